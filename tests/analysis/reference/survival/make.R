# Reference numbers for the survival methods. Rscript make.R, in this directory.
# R 4.2.2, survival 3.5-3, cmprsk 2.2-11, jsonlite 1.8.4.
library(survival); library(cmprsk); library(jsonlite)
set.seed(20261)
n <- 360
d <- data.frame(
  person = sprintf("p%03d", 1:n), arm = sample(rep(c("A", "B", "C"), each = n / 3)),
  household = sprintf("h%03d", sort(sample(1:250, n, replace = TRUE))),
  stratum = sample(c("north", "south", "west"), n, replace = TRUE),
  age = round(runif(n, 20, 64)))
rate <- 0.0016 * exp(0.45 * (d$arm == "B") + 0.2 * (d$arm == "C") - 0.02 * (d$age - 40) + 0.3 * (d$stratum == "south"))
work <- ceiling(rexp(n, rate) / 7) * 7
other <- ceiling(rexp(n, 0.0006) / 7) * 7
end <- ceiling(runif(n, 450, 800) / 7) * 7
d$day <- pmin(work, other, end)
d$cause <- ifelse(d$day == end & end < pmin(work, other), 0, ifelse(work <= other, 1, 2))
d$left <- as.integer(d$cause > 0)
d$worked <- as.integer(d$cause == 1)
write.csv(d, "exits.csv", row.names = FALSE, quote = FALSE)

at <- c(180, 365, 560); out <- list()
cols <- function(m) setNames(lapply(seq_len(ncol(m)), function(j) unname(m[, j])), colnames(m))
for (kind in c("log-log", "log", "plain")) {
  f <- survfit(Surv(day, worked) ~ arm, d, conf.type = kind)
  s <- summary(f, times = at); q <- quantile(f, c(0.25, 0.5))
  out$kaplan_meier[[kind]] <- list(strata = as.character(s$strata), time = s$time, n = s$n.risk, estimate = s$surv,
    std_error = s$std.err, low = s$lower, high = s$upper,
    quantile = q$quantile, quantile_low = q$lower, quantile_high = q$upper)
}
s <- survdiff(Surv(day, worked) ~ arm, d); out$logrank$plain <- list(chisq = s$chisq, observed = s$obs, expected = s$exp)
s <- survdiff(Surv(day, worked) ~ arm + strata(stratum), d)
out$logrank$strata <- list(chisq = s$chisq, observed = rowSums(s$obs), expected = rowSums(s$exp))

one <- function(fit) list(term = names(coef(fit)), estimate = unname(coef(fit)), std_error = unname(sqrt(diag(vcov(fit)))), loglik = fit$loglik)
out$cox$plain <- one(coxph(Surv(day, worked) ~ arm + age, d))
out$cox$breslow <- one(coxph(Surv(day, worked) ~ arm + age, d, ties = "breslow"))
out$cox$strata <- one(coxph(Surv(day, worked) ~ arm + age + strata(stratum), d))
out$cox$cluster <- one(coxph(Surv(day, worked) ~ arm + age + strata(stratum), d, cluster = household))
out$cox$cluster_breslow <- one(coxph(Surv(day, worked) ~ arm + age, d, cluster = household, ties = "breslow"))
out$cox$robust <- one(coxph(Surv(day, worked) ~ arm + age, d, cluster = person))
zph <- function(fit, tr) { z <- cox.zph(fit, transform = tr, terms = FALSE)$table; list(term = rownames(z), chisq = z[, 1], df = z[, 2], p = z[, 3]) }
for (tr in c("km", "log", "identity")) {
  out$ph_test$plain[[tr]] <- zph(coxph(Surv(day, worked) ~ arm + age, d), tr)
  out$ph_test$strata[[tr]] <- zph(coxph(Surv(day, worked) ~ arm + age + strata(stratum), d), tr)
  out$ph_test$breslow[[tr]] <- zph(coxph(Surv(day, worked) ~ arm + age, d, ties = "breslow"), tr)
}

# restricted means: survival's own table, and the multi-state one for causes (errors by the infinitesimal jackknife)
m <- summary(survfit(Surv(day, worked) ~ arm, d), rmean = 560)$table
out$rmst <- list(tau = 560, estimate = unname(m[, "rmean"]), std_error = unname(m[, "se(rmean)"]))

f <- survfit(Surv(day, factor(cause)) ~ arm, d, id = person); s <- summary(f, times = at)
out$aalen_johansen <- list(strata = as.character(s$strata), time = s$time, estimate = s$pstate, std_error = s$std.err, n = s$n.risk[, 1])
f <- survfit(Surv(day, factor(cause)) ~ arm, d, id = person, influence = TRUE)
m <- summary(f, rmean = 560)$table
out$rmtl <- list(tau = 560, rows = rownames(m), estimate = unname(m[, "rmean"]), std_error = unname(m[, "se(rmean)"]))

# errors by household: influences summed within them
s <- summary(survfit(Surv(day, worked) ~ arm, d, cluster = household, robust = TRUE), times = 365)
out$robust <- list(survival = s$std.err)
by_home <- function(s, r) { r <- matrix(r, nrow(s)); sqrt(colSums(rowsum(r, s$household)^2)) }
for (a in c("A", "B", "C")) { s <- d[d$arm == a, ]
  out$robust$rmst[[a]] <- by_home(s, residuals(survfit(Surv(day, worked) ~ 1, s), times = 560, type = "rmst"))
  k <- survfit(Surv(day, factor(cause)) ~ 1, s)
  out$robust$incidence[[a]] <- by_home(s, residuals(k, times = 365, type = "pstate"))[2:3]
  out$robust$rmtl[[a]] <- by_home(s, residuals(k, times = 560, type = "sojourn"))[2:3] }
R <- NULL; for (a in c("A", "B")) { s <- d[d$arm == a, ]  # residuals() looks for `s` at the top, so no function here
  R <- rbind(R, data.frame(h = s$household, r = c(A = -1, B = 1)[[a]] * as.vector(residuals(survfit(Surv(day, worked) ~ 1, s), times = 560, type = "rmst")))) }
out$robust$rmst_difference_B <- sqrt(sum(rowsum(R$r, R$h)^2))

g <- cuminc(d$day, d$cause, d$arm)
out$gray <- list(stat = unname(g$Tests[, 1]), p = unname(g$Tests[, 2]), df = unname(g$Tests[, 3]))
g <- cuminc(d$day, d$cause, d$arm, strata = d$stratum)
out$gray_strata <- list(stat = unname(g$Tests[, 1]))
two <- d$arm != "C"
g <- cuminc(d$day[two], d$cause[two], d$arm[two]); out$gray_two <- list(stat = unname(g$Tests[, 1]))

X <- model.matrix(~ arm + age, d)[, -1]
for (k in 1:2) { z <- crr(d$day, d$cause, X, failcode = k, gtol = 1e-12, maxiter = 50)
  out$fine_gray[[k]] <- list(term = colnames(X), estimate = unname(z$coef), std_error = sqrt(diag(z$var)), loglik = z$loglik) }
write_json(out, "expected.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
