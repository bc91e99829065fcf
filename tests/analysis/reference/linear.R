# Makes linear.csv and linear.json: reference numbers for means, adjusted effects and clusters.
# R 4.2.2, estimatr 1.0.0, clubSandwich 0.5.8, sandwich 3.0-2, emmeans 1.8.4. Run in this folder: Rscript linear.R
suppressMessages({library(estimatr); library(clubSandwich); library(sandwich); library(jsonlite); library(emmeans); library(lmtest)})
set.seed(20261)
H <- 90
size <- sample(1:4, H, TRUE, c(.5, .3, .15, .05))
hh <- rep(seq_len(H), size)
n <- length(hh)
arm <- sample(rep(c("A", "B", "C"), length.out = H))[hh]
stratum <- sample(rep(c("n", "o", "w"), length.out = H))[hh]
x <- round(rnorm(n), 3)
sex <- sample(c("f", "m"), n, TRUE)
w <- round(runif(n, 0.5, 2), 2)
site <- paste0("s", 1 + (hh %% 8))
y <- round(0.5 * x + 0.4 * (arm == "B") + 0.2 * (sex == "m") + 0.5 * (stratum == "o") + rnorm(H)[hh] * 0.6 + rnorm(n), 4)
z <- round(y + rnorm(n), 4)
d <- data.frame(id = seq_len(n), arm, hh, stratum, site, sex, x, w, y, z)
d$x[sample(n, 12)] <- NA
d$y[sample(n, 10)] <- NA
write.csv(d, "linear.csv", row.names = FALSE, na = "", quote = FALSE)

d$xm <- as.numeric(is.na(d$x)); d$xf <- ifelse(is.na(d$x), mean(d$x, na.rm = TRUE), d$x)
u <- d[!is.na(d$y), ]
write.csv(u, "linear_filled.csv", row.names = FALSE, na = "", quote = FALSE)
pick <- function(v, t) unname(if (is.null(names(v))) v[1] else v[t])
num <- function(f, t) list(estimate = unname(f$coefficients[t]), std_error = unname(f$std.error[t]), df = unname(f$df[t]),
  p_value = unname(f$p.value[t]), conf_low = pick(f$conf.low, t), conf_high = pick(f$conf.high, t))
both <- function(f) list(B = num(f, "armB"), C = num(f, "armC"))
out <- list()
for (s in c("classical", "HC0", "HC1", "HC2", "HC3"))
  out[[paste0("ols_", s)]] <- both(lm_robust(y ~ arm + xf + xm + sex + stratum, u, se_type = s))
out$ols_weighted_HC2 <- both(lm_robust(y ~ arm + xf + xm, u, weights = w, se_type = "HC2"))
fit <- lm(y ~ arm + xf + xm + sex + stratum, u)
club <- function(fit, data, type, test = "Satterthwaite") {
  V <- vcovCR(fit, cluster = data$hh, type = type)
  k <- coef_test(fit, V, test = test)
  one <- function(t) list(estimate = k[t, "beta"], std_error = k[t, "SE"],
    df = if (test == "Satterthwaite") k[t, "df_Satt"] else k[t, "df_t"], p_value = k[t, if (test == "Satterthwaite") "p_Satt" else "p_t"])
  list(B = one("armB"), C = one("armC"))
}
for (s in c("CR0", "CR1", "CR1S")) out[[paste0("ols_", s)]] <- club(fit, u, s, "naive-t")
for (s in c("CR2", "CR3")) out[[paste0("ols_", s)]] <- club(fit, u, s)
fitw <- lm(y ~ arm + xf + xm, u, weights = w)
out$ols_weighted_CR2 <- club(fitw, u, "CR2")
big <- lm(y ~ arm + xf + xm + sex, u)
V <- vcovCR(big, cluster = u$site, type = "CR2"); k <- coef_test(big, V)
out$ols_CR2_sites <- list(B = list(estimate = k["armB", 2], std_error = k["armB", 3], df = k["armB", "df_Satt"]))
ht <- Wald_test(fit, constrain_zero(c("armB", "armC")), vcov = vcovCR(fit, u$hh, "CR2"), test = "HTZ")
out$joint_CR2 <- list(statistic = ht$Fstat, df2 = ht$df_denom, p_value = ht$p_val)
wt <- waldtest(fit, . ~ . - arm, vcov = function(m) vcovHC(m, "HC2"))
out$joint_HC2 <- list(statistic = wt$F[2], df = -wt$Df[2], df2 = wt$Res.Df[1], p_value = wt[["Pr(>F)"]][2])
h1 <- Wald_test(fit, constrain_zero(c("armB", "armC")), vcov = vcovCR(fit, u$hh, "CR1S"), test = "Naive-F")
out$joint_CR1S <- list(statistic = h1$Fstat, df2 = h1$df_denom, p_value = h1$p_val)
lin <- lm_lin(y ~ arm, covariates = ~ xf + xm + sex, data = u, se_type = "HC2")
out$lin_HC2 <- both(lin)
linw <- lm_lin(y ~ arm, covariates = ~ xf, data = u, weights = w, se_type = "HC2")
out$lin_weighted <- both(linw)
pair <- function(a) u[u$arm %in% c("A", a), ]
for (a in c("B", "C")) {
  p <- pair(a); p$arm <- droplevels(factor(p$arm))
  t <- t.test(p$y[p$arm == a], p$y[p$arm == "A"])
  out$welch[[a]] <- list(estimate = unname(-diff(rev(t$estimate))) * -1, std_error = t$stderr, df = unname(t$parameter),
    statistic = unname(t$statistic), p_value = t$p.value, conf_low = t$conf.int[1], conf_high = t$conf.int[2])
  f <- lm_robust(y ~ arm, p, se_type = "HC2"); out$difference_HC2[[a]] <- num(f, paste0("arm", a))
  f <- lm_robust(y ~ arm, p, clusters = hh, se_type = "CR2"); out$difference_CR2[[a]] <- num(f, paste0("arm", a))
  g <- aggregate(y ~ hh + arm, p, mean); f <- lm_robust(y ~ arm, g, se_type = "HC2")
  out$difference_aggregate[[a]] <- num(f, paste0("arm", a))
  f <- lm_robust(I(z - x) ~ arm, d[d$arm %in% c("A", a), ], clusters = hh, se_type = "CR2"); out$change_score[[a]] <- num(f, paste0("arm", a))
  f <- difference_in_means(y ~ arm, p, blocks = stratum); out$blocked[[a]] <- num(f, paste0("arm", a))
  p$block <- factor(p$stratum)
  f <- lm_lin(y ~ arm, covariates = ~ block + xf, data = p, se_type = "HC2"); out$blocked_lin[[a]] <- num(f, paste0("arm", a))
  f <- lm_robust(y ~ arm + block, p, se_type = "HC2"); out$blocked_precision_estimate[[a]] <- unname(f$coefficients[2])
  w <- wilcox.test(p$y[p$arm == a], p$y[p$arm == "A"], exact = FALSE, correct = TRUE)
  w0 <- wilcox.test(p$y[p$arm == a], p$y[p$arm == "A"], exact = FALSE, correct = FALSE)
  out$mann_whitney[[a]] <- list(statistic = unname(w$statistic), p_value = w$p.value, p_plain = w0$p.value)
}
one <- oneway.test(y ~ arm, u); out$welch_anova <- list(statistic = unname(one$statistic), df = unname(one$parameter[1]), df2 = unname(one$parameter[2]), p_value = one$p.value)
kr <- kruskal.test(y ~ arm, u); out$kruskal <- list(statistic = unname(kr$statistic), df = unname(kr$parameter), p_value = kr$p.value)
f <- lm_robust(y ~ arm * sex, u, se_type = "HC2")
out$interaction <- list(B = num(f, "armB:sexm"), C = num(f, "armC:sexm"), effect_f = num(f, "armB"))
um <- u; um$sex <- relevel(factor(um$sex), "m"); f2 <- lm_robust(y ~ arm * sex, um, se_type = "HC2"); out$interaction$effect_m <- num(f2, "armB")
f0 <- lm(y ~ arm * sex, u); wi <- waldtest(f0, . ~ . - arm:sex, vcov = function(m) vcovHC(m, "HC2"))
out$interaction$joint <- list(statistic = wi$F[2], df = 2, df2 = wi$Res.Df[1], p_value = wi[["Pr(>F)"]][2])
fc <- lm(y ~ arm + xf + xm + sex, u)
em <- summary(emmeans(fc, "arm", at = list(xf = mean(u$xf), xm = mean(u$xm)), weights = "proportional", vcov. = vcovHC(fc, "HC2")))
out$marginal <- lapply(split(em, em$arm), function(r) list(estimate = r$emmean, std_error = r$SE, df = r$df))
qs <- quantile(u$xf, c(.25, .5, .75)); fn <- lm_robust(y ~ arm * xf, u, se_type = "HC2"); v <- fn$vcov; b <- fn$coefficients
out$interaction_number <- list(slope = num(fn, "armB:xf"), quartiles = unname(qs),
  estimate = unname(b["armB"] + qs * b["armB:xf"]),
  std_error = unname(sqrt(v["armB", "armB"] + qs^2 * v["armB:xf", "armB:xf"] + 2 * qs * v["armB", "armB:xf"])))
out$r2 <- summary(fit)$r.squared
write_json(out, "linear.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
