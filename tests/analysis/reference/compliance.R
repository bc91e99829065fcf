# Makes compliance.csv and compliance.json: reference numbers for two-stage least squares.
# R 4.2.2, estimatr 1.0.0, AER 1.2-10. Run in this folder: Rscript compliance.R
suppressMessages({library(estimatr); library(AER); library(jsonlite)})
set.seed(5)
n <- 300
hh <- sample(rep(1:160, length.out = n)); arm <- c("A", "B", "C")[1 + (hh %% 3)]
x <- round(rnorm(n), 3); u <- rnorm(n)
got <- rbinom(n, 1, plogis(-2 + 3 * (arm != "A") + 0.5 * x + u)); one <- got * (arm != "A")
y <- round(1 + 0.8 * got + 0.5 * x + u + rnorm(160)[hh] * .4 + rnorm(n), 4)
d <- data.frame(arm, hh, x, got, one, y)
write.csv(d, "compliance.csv", row.names = FALSE, quote = FALSE)
num <- function(f, t) list(estimate = unname(f$coefficients[t]), std_error = unname(f$std.error[t]), df = unname(f$df[t]),
  p_value = unname(f$p.value[t]), conf_low = unname(f$conf.low[t]), conf_high = unname(f$conf.high[t]))
out <- list()
for (a in c("B", "C")) {
  p <- d[d$arm %in% c("A", a), ]; p$z <- as.numeric(p$arm == a)
  for (s in c("classical", "HC0", "HC1", "HC2", "HC3")) out[[s]][[a]] <- num(iv_robust(y ~ got + x | z + x, p, se_type = s), "got")
  for (s in c("CR0", "CR2")) out[[s]][[a]] <- num(iv_robust(y ~ got + x | z + x, p, clusters = hh, se_type = s), "got")
  f1 <- lm_robust(got ~ z + x, p, se_type = "HC2"); out$received[[a]] <- num(f1, "z")
  out$first_F[[a]] <- list(statistic = unname(f1$statistic["z"]^2), df = 1, df2 = unname(f1$df["z"]))
  m <- ivreg(y ~ got + x | z + x, data = p); w <- summary(m, diagnostics = TRUE)$diagnostics["Wu-Hausman", ]
  out$wu_hausman[[a]] <- list(statistic = unname(w["statistic"]), df = unname(w["df1"]), df2 = unname(w["df2"]), p_value = unname(w["p-value"]))
  out$wald[[a]] <- num(iv_robust(y ~ got | z, p, se_type = "HC2"), "got")
  i <- lm_robust(y ~ z, p, se_type = "HC2"); share <- mean(p$one[p$z == 1])
  out$bloom[[a]] <- list(estimate = unname(i$coefficients["z"]) / share, std_error = unname(i$std.error["z"]) / share)
}
write_json(out, "compliance.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
