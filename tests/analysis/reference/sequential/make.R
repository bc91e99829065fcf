# Reference numbers for interim looks. Rscript make.R, in this directory.
# R 4.2.2, rpact 3.3.4, jsonlite 1.8.4.
suppressMessages({library(rpact); library(jsonlite)})
types <- c(obrien_fleming = "OF", pocock = "P", spending_obrien_fleming = "asOF", spending_pocock = "asP")
cases <- list(list(t = (1:3) / 3, alpha = .05, sided = 2), list(t = c(.3, .6, 1), alpha = .025, sided = 1), list(t = c(.2, .5, .7, .8, 1), alpha = .05, sided = 1),
  list(t = c(.5, 1), alpha = .01, sided = 2))
out <- list()
for (k in names(types)) for (i in seq_along(cases)) { c <- cases[[i]]
  d <- getDesignGroupSequential(informationRates = c$t, alpha = c$alpha, sided = c$sided, typeOfDesign = types[[k]], tolerance = 1e-10)
  out[[k]][[i]] <- list(t = c$t, alpha = c$alpha, sided = c$sided, z = d$criticalValues, p = d$stageLevels, spent = d$alphaSpent)
}
# conditional power by the B-value
cp <- function(z, t, f, drift) 1 - pnorm((f - z * sqrt(t) - drift * (1 - t)) / sqrt(1 - t))
out$conditional <- list(trend = cp(1.5, .5, 1.96, 1.5 / sqrt(.5)), planned = cp(.4, .6, 2.01, 3.24), none = cp(2.2, .4, 1.96, 0))
writeLines(toJSON(out, digits = NA, auto_unbox = TRUE, pretty = TRUE), "expected.json")
