# Reference numbers for the repeated-measures methods. Rscript make.R, in this directory.
# R 4.2.2, nlme 3.1-162, emmeans 1.8.4-1, lme4 1.1-31, pbkrtest 0.5.2, sandwich 3.0-2, jsonlite 1.8.4.
suppressMessages({library(nlme); library(lme4); library(pbkrtest); library(jsonlite); library(sandwich)})
set.seed(20262)
n <- 240
S <- matrix(c(1, .6, .5, .45, .6, 1.3, .7, .6, .5, .7, 1.2, .8, .45, .6, .8, 1.6), 4)
d <- data.frame(person = sprintf("p%03d", 1:n), household = sprintf("h%03d", sort(sample(1:170, n, TRUE))),
  arm = sample(rep(c("A", "B", "C"), length.out = n)), stratum = sample(c("north", "south"), n, TRUE))
Y <- 5 + matrix(rnorm(n * 4), n) %*% chol(S) + outer(d$arm == "B", c(0, .3, .5, .6)) + outer(d$arm == "C", c(0, .1, .1, .4)) + 0.3 * (d$stratum == "south")
d$wb0 <- round(Y[, 1], 3); d$full1 <- round(Y[, 2], 3); d$full2 <- round(Y[, 3], 3); d$full3 <- round(Y[, 4], 3)
d$wb1 <- ifelse(runif(n) < plogis(1.6 + .2 * (Y[, 1] - 5)), d$full1, NA)
d$wb2 <- ifelse(runif(n) < plogis(1.2 + .2 * (Y[, 1] - 5)), d$full2, NA)
d$wb3 <- ifelse(runif(n) < plogis(0.9 + .3 * (Y[, 1] - 5)), d$full3, NA)
write.csv(d, "waves.csv", row.names = FALSE, quote = FALSE, na = "")

long <- function(d, vars) {
  l <- do.call(rbind, lapply(seq_along(vars), function(t) data.frame(d[, c("person", "household", "arm", "stratum", "wb0")], t = t, y = d[[vars[t]]])))
  l <- l[!is.na(l$y), ]; l$wave <- factor(l$t); l[order(l$person, l$t), ]
}
ctl <- glsControl(tolerance = 1e-11, msTol = 1e-12, maxIter = 500, msMaxIter = 500)
effects <- function(fit, keep) {
  b <- coef(fit); V <- vcov(fit); k <- grepl(keep, names(b))
  list(term = names(b)[k], estimate = unname(b[k]), std_error = unname(sqrt(diag(V))[k]), loglik = as.numeric(logLik(fit)))
}
average <- function(fit, arm) {
  b <- coef(fit); k <- grep(paste0("arm", arm), names(b)); w <- rep(1 / length(k), length(k))
  c(sum(w * b[k]), sqrt(drop(w %*% vcov(fit)[k, k] %*% w)))
}
wald <- function(fit, waves, arms) lapply(waves, function(t) {
  b <- coef(fit); k <- match(paste0("wave", t, ":arm", arms), names(b)); drop(b[k] %*% solve(vcov(fit)[k, k], b[k])) / length(k) })
out <- list()
l <- long(d, c("wb1", "wb2", "wb3"))
fx <- y ~ 0 + wave + wave:arm + wave:wb0 + stratum
un <- gls(fx, l, corSymm(form = ~ t | person), varIdent(form = ~ 1 | wave), method = "REML", control = ctl)
out$unstructured <- effects(un, "arm"); out$unstructured$average_B <- average(un, "B"); out$unstructured$wald <- wald(un, 1:3, c("B", "C"))
out$unstructured$covariance <- unclass(getVarCov(un, individual = names(which.max(table(l$person)))))
out$ar1 <- effects(gls(fx, l, corAR1(form = ~ t | person), varIdent(form = ~ 1 | wave), method = "REML", control = ctl), "arm")
out$toeplitz <- effects(gls(fx, l, corARMA(form = ~ t | person, p = 2), varIdent(form = ~ 1 | wave), method = "REML", control = ctl), "arm")
out$compound_symmetry <- effects(gls(fx, l, corCompSymm(form = ~ 1 | person), method = "REML", control = ctl), "arm")

# constrained baseline: all four waves, one mean at the first
l4 <- long(d, c("wb0", "wb1", "wb2", "wb3")); for (a in c("B", "C")) for (t in 2:4) l4[[paste0(a, t)]] <- as.numeric(l4$arm == a & l4$t == t)
clda <- gls(y ~ 0 + wave + B2 + B3 + B4 + C2 + C3 + C4 + stratum, l4, corSymm(form = ~ t | person), varIdent(form = ~ 1 | wave), method = "REML", control = ctl)
out$clda <- effects(clda, "^[BC][234]$")

# complete balanced data without covariates: each wave is its own analysis of variance
out$anova <- lapply(c("full1", "full2", "full3"), function(v) { f <- lm(d[[v]] ~ d$arm); s <- summary(f)
  list(estimate = unname(coef(f)[2:3]), std_error = unname(s$coefficients[2:3, 2]), F = unname(s$fstatistic[1]), df = unname(s$fstatistic[3])) })

# Kenward-Roger where the covariance is linear: a random intercept is compound symmetry; pbkrtest has the expected
# information, equal to the observed one only approximately, so this holds to the tolerance named in the test
ri <- lmer(y ~ 0 + wave + wave:arm + wave:wb0 + stratum + (1 | person), l)
V <- vcovAdj(ri); b <- fixef(ri); k <- grep("arm", names(b))
out$pbkrtest <- list(term = names(b)[k], estimate = unname(b[k]), std_error = unname(sqrt(diag(as.matrix(V)))[k]),
  df = sapply(k, function(j) { c <- rep(0, length(b)); c[j] <- 1; Lb_ddf(c, vcov(ri), V) }))

# random slope of the arm over sites
set.seed(20263)
sites <- 12; m <- data.frame(site = rep(sprintf("s%02d", 1:sites), times = sample(30:60, sites, TRUE)))
m$stratum <- sample(c("x", "y"), nrow(m), TRUE); m$arm <- sample(c("A", "B"), nrow(m), TRUE); k <- as.integer(factor(m$site))
m$y <- round(rnorm(sites)[k] + (0.4 + rnorm(sites, sd = 0.5)[k]) * (m$arm == "B") + 0.2 * (m$stratum == "x") + rnorm(nrow(m)), 3)
write.csv(m, "sites.csv", row.names = FALSE, quote = FALSE)
m$z <- as.numeric(m$arm == "B") - ave(as.numeric(m$arm == "B"), m$site)
fit <- lmer(y ~ 0 + site + z + (0 + z | site), m, control = lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-12)))
one <- function(fit) list(estimate = unname(fixef(fit)["z"]), std_error = sqrt(as.matrix(vcov(fit))["z", "z"]), tau2 = unname(VarCorr(fit)[[1]][1, 1]), loglik = as.numeric(logLik(fit)))
out$slope <- one(fit)
out$slope_strata <- one(lmer(y ~ 0 + interaction(site, stratum) + z + (0 + z | site), m, control = lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-12))))
write_json(out, "expected.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
