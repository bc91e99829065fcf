# Reference numbers for the repeated-measures methods. Rscript make.R, in this directory.
# R 4.2.2, nlme 3.1-162, emmeans 1.8.4-1, lme4 1.1-31, pbkrtest 0.5.2, numDeriv, jsonlite 1.8.4.
suppressMessages({library(nlme); library(lme4); library(pbkrtest); library(jsonlite)})
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

# Satterthwaite and linear Kenward-Roger degrees of freedom from their definitions, persons one by one, derivatives by
# numDeriv: df = 2 f^2 / (g' A g); Phi + 2 Phi [sum w_ij (Q_ij - P_i Phi P_j)] Phi with A = W = inverse observed information
suppressMessages(library(numDeriv))
persons <- lapply(split(seq_len(nrow(l)), l$person), function(i) list(t = l$t[i], X = model.matrix(fx, l)[i, , drop = FALSE], y = l$y[i]))
sigma <- function(theta) { L <- matrix(0, 3, 3); L[lower.tri(L, TRUE)] <- theta; diag(L) <- exp(diag(L)); L %*% t(L) }
gram <- function(theta) { S <- sigma(theta); Reduce(`+`, lapply(persons, function(p) t(p$X) %*% solve(S[p$t, p$t, drop = FALSE], p$X))) }
reml <- function(theta) {
  S <- sigma(theta); A <- gram(theta)
  b <- solve(A, Reduce(`+`, lapply(persons, function(p) t(p$X) %*% solve(S[p$t, p$t, drop = FALSE], p$y))))
  parts <- sapply(persons, function(p) { V <- S[p$t, p$t, drop = FALSE]; r <- p$y - p$X %*% b; determinant(V)$modulus + sum(r * solve(V, r)) })
  0.5 * (sum(parts) + determinant(A)$modulus + (nrow(l) - ncol(A)) * log(2 * pi))
}
C0 <- t(chol(matrix(unlist(out$unstructured$covariance), 3))); diag(C0) <- log(diag(C0))
theta <- C0[lower.tri(C0, TRUE)]
for (k in 1:3) theta <- theta - solve(hessian(reml, theta), grad(reml, theta))
W <- solve(hessian(reml, theta)); Phi <- solve(gram(theta)); b <- Phi %*% Reduce(`+`, lapply(persons, function(p) t(p$X) %*% solve(sigma(theta)[p$t, p$t, drop = FALSE], p$y)))
dS <- lapply(1:6, function(k) matrix(jacobian(function(th) as.vector(sigma(th)), theta)[, k], 3))
P <- lapply(dS, function(D) -Reduce(`+`, lapply(persons, function(p) { V <- solve(sigma(theta)[p$t, p$t, drop = FALSE]); t(p$X) %*% V %*% D[p$t, p$t] %*% V %*% p$X })))
Q <- function(D, E) Reduce(`+`, lapply(persons, function(p) { V <- solve(sigma(theta)[p$t, p$t, drop = FALSE]); t(p$X) %*% V %*% D[p$t, p$t] %*% V %*% E[p$t, p$t] %*% V %*% p$X }))
adj <- Phi; for (i in 1:6) for (j in 1:6) adj <- adj + 2 * W[i, j] * Phi %*% (Q(dS[[i]], dS[[j]]) - P[[i]] %*% Phi %*% P[[j]]) %*% Phi
sat <- function(c) { f <- drop(c %*% Phi %*% c); g <- grad(function(th) drop(c %*% solve(gram(th)) %*% c), theta); drop(2 * f^2 / (g %*% W %*% g)) }
kr <- function(L) {
  q <- nrow(L); Th <- t(L) %*% solve(L %*% Phi %*% t(L)) %*% L; tr <- function(M) sum(diag(M)); A1 <- A2 <- 0
  for (i in 1:6) for (j in 1:6) {
    A1 <- A1 + W[i, j] * tr(Th %*% Phi %*% P[[i]] %*% Phi) * tr(Th %*% Phi %*% P[[j]] %*% Phi)
    A2 <- A2 + W[i, j] * tr(Th %*% Phi %*% P[[i]] %*% Phi %*% Th %*% Phi %*% P[[j]] %*% Phi) }
  B <- (A1 + 6 * A2) / (2 * q); g <- ((q + 1) * A1 - (q + 4) * A2) / ((q + 2) * A2); d <- 3 * q + 2 * (1 - g)
  E <- 1 / (1 - A2 / q); V <- 2 / q * (1 + g / d * B) / ((1 - (q - g) / d * B)^2 * (1 - (q + 2 - g) / d * B))
  rho <- V / (2 * E^2); m <- 4 + (q + 2) / (q * rho - 1); lambda <- m / (E * (m - 2))
  c(F = lambda * drop(t(L %*% b) %*% solve(L %*% adj %*% t(L), L %*% b)) / q, df2 = m)
}
k <- grep("arm", colnames(Phi)); I <- diag(ncol(Phi))
average <- colSums(I[grep("armB", colnames(Phi)), ]) / 3
multi <- function(L) { e <- eigen(L %*% Phi %*% t(L)); R <- t(e$vectors) %*% L; v <- apply(R, 1, sat); E <- sum(v / (v - 2)); q <- nrow(L)
  c(F = mean((R %*% b)^2 / e$values), df2 = 2 * E / (E - q)) }
pair <- function(t) I[match(paste0("wave", t, ":arm", c("B", "C")), colnames(Phi)), ]
out$df <- list(term = colnames(Phi)[k], estimate = drop(b)[k], std_error = unname(sqrt(diag(Phi)))[k], satterthwaite = sapply(k, function(j) sat(I[j, ])), average_B = sat(average),
  kr_std_error = unname(sqrt(diag(adj)))[k], kr_df = sapply(k, function(j) kr(I[j, , drop = FALSE])[["df2"]]),
  joint = lapply(1:3, function(t) multi(pair(t))), kr_joint = lapply(1:3, function(t) kr(pair(t))), loglik = -as.numeric(reml(theta)), sigma = sigma(theta))

# sandwich by household of the same fit
h <- sapply(split(l$household, l$person), `[`, 1)
scores <- t(sapply(persons, function(p) t(p$X) %*% solve(sigma(theta)[p$t, p$t, drop = FALSE], p$y - p$X %*% b)))
V <- Phi %*% crossprod(rowsum(scores, h)) %*% Phi; out$sandwich <- list(std_error = unname(sqrt(diag(V)))[k], clusters = length(unique(h)))

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
