# Reference numbers for the missing-data methods. Rscript make.R, in this directory.
# R 4.2.2, sandwich 3.0-2, clubSandwich 0.5.8, numDeriv, mice 3.15.0, mitools 2.4, jsonlite 1.8.4.
suppressMessages({library(sandwich); library(clubSandwich); library(numDeriv); library(mice); library(mitools); library(jsonlite)})
set.seed(20264)
n <- 360
d <- data.frame(person = sprintf("p%03d", 1:n), household = sprintf("h%03d", sort(sample(1:260, n, TRUE))),
  arm = sample(rep(c("A", "B", "C"), length.out = n)), stratum = sample(c("north", "south", "west"), n, TRUE), x = round(rnorm(n), 3))
d$wb0 <- round(5 + rnorm(n), 2)
y1 <- 5 + .5 * (d$wb0 - 5) + .3 * d$x + .4 * (d$arm == "B") + rnorm(n); y2 <- 5 + .5 * (y1 - 5) + .3 * (d$arm == "B") + rnorm(n)
d$wb1 <- ifelse(runif(n) < plogis(1.1 + .5 * d$x + .5 * (d$arm == "B")), round(y1, 2), NA)
d$wb2 <- ifelse(runif(n) < plogis(0.8 + .6 * d$x + .2 * (d$wb0 - 5) - .3 * (d$arm == "C")), round(y2, 2), NA)
d$score <- pmin(pmax(round(d$wb2 * 2), 0), 20)
write.csv(d, "people.csv", row.names = FALSE, quote = FALSE, na = "")
out <- list()

# response
r <- list(wb1 = as.numeric(!is.na(d$wb1)), wb2 = as.numeric(!is.na(d$wb2)))
out$attrition <- lapply(r, function(R) {
  f <- lm(R ~ arm + stratum, d); k <- 2:3; V <- vcovHC(f, "HC2"); b <- coef(f)[k]
  C <- vcovCR(f, d$household, "CR2"); t <- coef_test(f, C, coefs = k)
  list(estimate = unname(b), HC2 = unname(sqrt(diag(V)[k])), F = drop(b %*% solve(V[k, k], b)) / 2, df2 = f$df.residual, CR2 = t$SE, df = t$df_Satt)
})
out$patterns <- as.list(table(paste0(r$wb1, r$wb2)))

# Lee bounds by sorting and counting, the last person in part
trim <- function(y, keep) { y <- sort(y); k <- keep * length(y); w <- pmin(pmax(k - (seq_along(y) - 1), 0), 1); sum(w * y) / k }
lee <- function(y, z) {
  q <- tapply(!is.na(y), z, mean); a <- y[z == 1 & !is.na(y)]; c <- y[z == 0 & !is.na(y)]
  if (q["1"] >= q["0"]) { keep <- q["0"] / q["1"]; c(trim(a, keep) - mean(c), -trim(-a, keep) - mean(c), 1 - keep) }
  else { keep <- q["1"] / q["0"]; c(mean(a) + trim(-c, keep), mean(a) - trim(c, keep), 1 - keep) }
}
pair <- function(a) d[d$arm %in% c("A", a), ]
out$lee <- lapply(c(B = "B", C = "C"), function(a) { p <- pair(a); unname(lee(p$wb2, as.numeric(p$arm == a))) })
out$lee_within <- lapply(c(B = "B", C = "C"), function(a) { p <- pair(a)
  parts <- sapply(split(p, p$stratum), function(s) lee(s$wb2, as.numeric(s$arm == a)) * nrow(s) / nrow(p)); unname(rowSums(parts)) })
set.seed(1)
p <- pair("B"); h <- split(seq_len(nrow(p)), p$household)
boot <- replicate(4000, { i <- unlist(h[sample(length(h), replace = TRUE)]); lee(p$wb2[i], as.numeric(p$arm[i] == "B"))[1:2] })
out$lee_boot <- apply(boot, 1, sd)

# Horowitz-Manski
out$hm <- lapply(c(B = "B", C = "C"), function(a) { p <- pair(a); z <- p$arm == a; na <- is.na(p$score)
  fit <- function(y) { f <- lm(y ~ z); c(unname(coef(f)[2]), sqrt(vcovHC(f, "HC2")[2, 2])) }
  lo <- fit(ifelse(na, ifelse(z, 0, 20), p$score)); hi <- fit(ifelse(na, ifelse(z, 20, 0), p$score))
  c <- uniroot(function(c) pnorm(c + (hi[1] - lo[1]) / max(lo[2], hi[2])) - pnorm(-c) - 0.95, c(1.5, 2.1), tol = 1e-13)$root
  list(lower = lo[1], upper = hi[1], std_error = c(lo[2], hi[2]), conf_low = lo[1] - c * lo[2], conf_high = hi[1] + c * hi[2]) })

# inverse probability weights; the stacked equations are differentiated by numDeriv
R <- r$wb2; S <- model.matrix(~ arm + x + wb0 + stratum, d); X <- model.matrix(~ arm + wb0, d); y <- ifelse(is.na(d$wb2), 0, d$wb2)
logit <- glm(R ~ 0 + S, family = binomial, control = glm.control(epsilon = 1e-14)); p <- fitted(logit); w <- (1 / p)[R == 1]
fit <- lm(wb2 ~ arm + wb0, d[R == 1, ], weights = w)
psi <- function(t) { a <- t[1:ncol(S)]; b <- t[-(1:ncol(S))]; q <- plogis(drop(S %*% a)); cbind(S * (R - q), X * (R / q * (y - drop(X %*% b)))) }
at <- c(coef(logit), coef(fit)); J <- solve(jacobian(function(t) colSums(psi(t)), at))
V <- J %*% crossprod(psi(at)) %*% t(J); H <- J %*% crossprod(rowsum(psi(at), d$household)) %*% t(J); k <- ncol(S) + 2:3
out$ipw <- list(estimate = unname(coef(fit)[2:3]), stacked = sqrt(diag(V)[k]), clustered = sqrt(diag(H)[k]), clusters = length(unique(d$household)),
  HC0 = unname(sqrt(diag(vcovHC(fit, "HC0"))[2:3])), HC2 = unname(sqrt(diag(vcovHC(fit, "HC2"))[2:3])), df = fit$df.residual,
  weight_max = max(w), weight_ess = sum(w)^2 / sum(w^2), n = sum(R))

# Rubin's rules
q <- c(0.41, 0.35, 0.52, 0.47, 0.29); u <- c(0.21, 0.2, 0.23, 0.215, 0.205)
s <- pool.scalar(q, u^2, n = 200, k = 4); t <- summary(MIcombine(as.list(q), as.list(u^2))); m <- MIcombine(as.list(q), as.list(u^2))
out$rubin <- list(estimate = s$qbar, within = s$ubar, between = s$b, total = s$t, df = s$df, riv = s$r, fmi = s$fmi, lambda = (1 + 1 / 5) * s$b / s$t, df_rubin = unname(m$df), fmi_rubin = unname(m$missinfo))

# imputation by arm with many imputations: what remains is the error of drawing
impute <- function(method) { parts <- lapply(split(d, d$arm), function(s) mice(s[, c("x", "wb0", "wb1", "wb2")], m = 300, maxit = 10, method = method, seed = 7, printFlag = FALSE))
  fits <- lapply(1:300, function(i) { whole <- do.call(rbind, Map(function(s, arm) cbind(complete(s, i), arm = arm), parts, names(parts)))
    f <- lm(wb2 ~ arm + wb0, whole); list(b = coef(f)[2:3], v = diag(vcovHC(f, "HC2"))[2:3]) })
  t(sapply(1:2, function(j) { s <- pool.scalar(sapply(fits, function(f) f$b[j]), sapply(fits, function(f) f$v[j]), n = 360, k = 4); c(estimate = s$qbar, std_error = sqrt(s$t), fmi = s$fmi) })) }
out$mice_norm <- impute("norm"); out$mice_pmm <- impute("pmm")
write_json(out, "expected.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
