# Reference numbers for power and sample size. Rscript make.R, in this directory.
# R 4.2.2 (stats), jsonlite 1.8.4.
suppressMessages(library(jsonlite))
out <- list()
tight <- 1e-13
out$t <- lapply(list(c(50, .5), c(200, .28), c(8, 1.2)), function(v) list(n = v[1], delta = v[2], power = power.t.test(n = v[1], delta = v[2], strict = TRUE)$power,
  one = power.t.test(n = v[1], delta = v[2], alternative = "one.sided")$power,
  mde = power.t.test(n = v[1], power = .8, strict = TRUE, tol = tight)$delta, size = power.t.test(delta = v[2], power = .9, strict = TRUE, tol = tight)$n))
# unequal arms: the non-central t itself
unequal <- function(n0, n1, d, s0, s1, a = .05) { nu <- n0 + n1 - 2; q <- qt(1 - a / 2, nu); k <- d / sqrt(s0^2 / n0 + s1^2 / n1); pt(q, nu, k, lower = FALSE) + pt(-q, nu, k) }
out$unequal <- unequal(120, 60, .4, 1, 1); out$unequal_sd <- unequal(120, 60, .4, 1, 1.5)
out$ratio <- uniroot(function(n) unequal(n, 2 * n, .4, 1, 1) - .8, c(10, 1000), tol = tight)$root
out$prop <- lapply(list(c(200, .3, .42), c(60, .5, .2)), function(v) list(n = v[1], p1 = v[2], p2 = v[3], power = power.prop.test(n = v[1], p1 = v[2], p2 = v[3])$power,
  size = power.prop.test(p1 = v[2], p2 = v[3], power = .8, tol = tight)$n, p2_of = power.prop.test(n = v[1], p1 = v[2], power = .8, tol = tight)$p2))
z <- function(p) qnorm(p)
out$normal_mde <- (z(.975) + z(.8)) * sqrt(4 * (1 / 150 + 1 / 100) * (1 - .3) * (1 + ((.4^2 + 1) * 1.5 - 1) * .2) / (1 - .25))
out$three <- (z(1 - .05 / 6) + z(.8)) * sqrt(4 * (1 / 150 + 1 / 100))
out$normal_size <- (z(.975) + z(.9))^2 * 4 * (1 + 1 / .5) / .6^2
out$events <- (z(.975) + z(.8))^2 / (1 / 3 * 2 / 3 * log(.7)^2)
d <- data.frame(arm = rep(c("A", "B"), c(12, 9)), y = c(3, 5, 4, 6, 2, 4, 5, 5, 3, 4, 6, 4, 7, 5, 6, 8, 4, 9, 6, 5, 7))
w <- t.test(y ~ arm, d); se <- w$stderr; nu <- unname(w$parameter)
out$data <- list(se = se, df = nu, mde = se * uniroot(function(k) pt(qt(.975, nu), nu, k, lower = FALSE) + pt(-qt(.975, nu), nu, k) - .8, c(0, 10), tol = tight)$root)
writeLines(toJSON(out, digits = NA, auto_unbox = TRUE, pretty = TRUE), "expected.json")
