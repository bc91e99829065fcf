# Reference numbers for pooling over sites. Rscript make.R, in this directory.
# R 4.2.2, metafor 3.8-1, metadat 1.2-0, estimatr 1.0.0, jsonlite 1.8.4.
suppressMessages({library(metafor); library(estimatr); library(jsonlite)})
tight <- list(threshold = 1e-12, maxiter = 1000, tau2.max = 1000, tol = 1e-12)
d <- dat.bcg
write.csv(data.frame(trial = paste(d$author, d$year), d[c("tpos", "tneg", "cpos", "cneg", "ablat", "alloc")]), "bcg.csv", row.names = FALSE, quote = TRUE)
d$trial <- paste(d$author, d$year)
out <- list()
show <- function(f, W = TRUE) {
  p <- if (f$method == "FE") list(pi.lb = NA, pi.ub = NA) else predict(f)
  r <- list(estimate = f$beta[1], se = f$se[1], low = f$ci.lb[1], high = f$ci.ub[1], p = f$pval[1], tau2 = f$tau2, I2 = f$I2,
    Q = f$QE, Qp = f$QEp, pi_low = p$pi.lb[1], pi_high = p$pi.ub[1])
  if (f$method != "FE") { ci <- confint(f, control = list(tol = 1e-12))$random; r$tau2_low <- ci[1, 2]; r$tau2_high <- ci[1, 3]; r$I2_low <- ci[3, 2]; r$I2_high <- ci[3, 3] }
  r
}
for (m in c("RD", "RR", "OR")) {
  e <- escalc(measure = m, ai = tpos, bi = tneg, ci = cpos, di = cneg, data = d)
  for (k in c("FE", "DL", "PM", "REML", "ML", "HE", "SJ")) for (t in c("z", "knha", "adhoc")) {
    ctl <- if (k %in% c("REML", "ML")) list(threshold = 1e-14, maxiter = 10000) else if (k == "PM") list(tol = 1e-14) else list()
    out$bcg[[m]][[k]][[t]] <- show(suppressWarnings(rma(yi, vi, data = e, method = k, test = t, control = ctl)))
  }
  n <- d$tpos + d$tneg + d$cpos + d$cneg
  f <- rma(yi, vi, data = e, method = "FE", weights = n)
  out$persons[[m]] <- list(estimate = f$beta[1], se = f$se)
}
e <- escalc(measure = "RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = d)
out$yi <- as.numeric(e$yi); out$sei <- as.numeric(sqrt(e$vi))
for (t in c("z", "knha")) for (k in c("REML", "DL", "PM", "FE")) {
  ctl <- if (k == "REML") list(threshold = 1e-14, maxiter = 10000) else if (k == "PM") list(tol = 1e-14) else list()
  f <- rma(yi, vi, mods = ~ ablat + alloc, data = e, method = k, test = t, control = ctl)
  out$regression[[t]][[k]] <- list(names = rownames(f$beta), beta = as.numeric(f$beta), se = f$se, p = f$pval, tau2 = f$tau2, I2 = f$I2, QE = f$QE, QEp = f$QEp, QM = f$QM, QMp = f$QMp)
  if (k != "FE") { ci <- confint(f, control = list(tol = 1e-12))$random; out$regression[[t]][[k]]$tau2_low <- ci[1, 2]; out$regression[[t]][[k]]$tau2_high <- ci[1, 3] }
}
f <- rma(yi, vi, mods = ~ alloc, data = e, method = "FE")
out$between_FE <- list(Q = f$QM, p = f$QMp)
parts <- lapply(split(e, e$alloc), function(s) rma(yi, vi, data = s, method = "DL"))
b <- sapply(parts, function(f) f$beta[1]); w <- 1 / sapply(parts, function(f) f$se)^2
out$between_DL <- list(estimate = as.list(b), Q = sum(w * (b - sum(w * b) / sum(w))^2))
# an estimate that is 0 between sites
z <- rma(c(.1, .12, .09, .11), c(.04, .05, .03, .06), method = "REML"); out$alike <- list(estimate = z$beta[1], se = z$se, tau2 = z$tau2)
# an empty cell
e <- escalc(measure = "RR", ai = c(0, 4, 5), bi = c(20, 18, 20), ci = c(3, 6, 9), di = c(17, 15, 17))
f <- rma(yi, vi, data = e, method = "DL"); out$empty_cell <- list(yi = as.numeric(e$yi), vi = as.numeric(e$vi), estimate = f$beta[1], se = f$se)

# two stages
set.seed(20265)
n <- 420
t <- data.frame(city = sample(c("Tilburg", "Oss", "Nijmegen", "Groningen", "Deventer"), n, TRUE), x = round(rnorm(n), 3), household = sample(1:300, n, TRUE))
t$arm <- sample(c("A", "B", "C"), n, TRUE)
t$arm[t$city == "Oss" & t$arm == "C"] <- "B"
t$size <- ifelse(t$city %in% c("Oss", "Deventer"), "small", "large")
t$y <- round(2 + .4 * t$x + .3 * (t$arm == "B") + .5 * (t$arm == "C") * (t$city != "Groningen") + rnorm(n), 3)
write.csv(t, "cities.csv", row.names = FALSE, quote = FALSE)
for (se in c("HC2", "CR2")) {
  first <- lapply(split(t, t$city), function(s) if (se == "HC2") lm_robust(y ~ arm + x, s, se_type = "HC2") else lm_robust(y ~ arm + x, s, clusters = household, se_type = "CR2"))
  for (a in c("B", "C")) {
    g <- Filter(function(f) paste0("arm", a) %in% names(coef(f)), first); k <- paste0("arm", a)
    y <- sapply(g, function(f) coef(f)[[k]]); s <- sapply(g, function(f) f$std.error[[k]])
    out$two_stage[[se]][[a]] <- c(show(rma(y, sei = s, method = "REML", test = "knha", control = list(threshold = 1e-14, maxiter = 10000))), list(sites = names(g), y = unname(y), s = unname(s)))
  }
}
writeLines(toJSON(out, digits = NA, auto_unbox = TRUE, na = "null", pretty = TRUE), "expected.json")
