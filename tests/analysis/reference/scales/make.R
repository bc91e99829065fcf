# Reference numbers for scales. Rscript make.R, in this directory.
# R 4.2.2, psych 2.2.9, lavaan 0.6.14, jsonlite 1.8.4.
suppressMessages({library(psych); library(lavaan); library(jsonlite)})
set.seed(20266)
n <- 240; f <- rnorm(n); load <- c(.9, .7, -.8, .6, 1.1)
d <- as.data.frame(sapply(seq_along(load), function(i) pmin(pmax(round(3 + load[i] * f + rnorm(n, 0, c(.8, 1, 1.2, .9, 1.1)[i])), 0), 6)))
names(d) <- paste0("q", 1:5)
d$q2[c(3, 40)] <- NA; d$q5[77] <- NA
write.csv(data.frame(person = 1:n, d), "answers.csv", row.names = FALSE, quote = FALSE, na = "")
d <- na.omit(d); d$q3 <- 6 - d$q3
a <- psych::alpha(d)
k <- 5; m <- nrow(d); raw <- a$total$raw_alpha
out <- list(n = m, alpha = raw, standardised = a$total$std.alpha, average_r = a$total$average_r, deleted = a$alpha.drop$raw_alpha, rest_r = a$item.stats$r.drop,
  low = 1 - (1 - raw) * qf(.975, m - 1, (m - 1) * (k - 1)), high = 1 - (1 - raw) * qf(.025, m - 1, (m - 1) * (k - 1)))
omega <- function(d) { fit <- cfa(paste("f =~", paste(names(d), collapse = " + ")), d, std.lv = TRUE, control = list(rel.tol = 1e-14))
  e <- lavInspect(fit, "est"); sum(e$lambda)^2 / (sum(e$lambda)^2 + sum(diag(e$theta))) }
out$omega <- omega(d); out$omega_standardised <- omega(as.data.frame(scale(d))); out$loadings <- as.numeric(abs(factanal(d, 1)$loadings))
writeLines(toJSON(out, digits = NA, auto_unbox = TRUE, pretty = TRUE), "expected.json")
