# Makes multiplicity.json: reference numbers for comparisons of several arms (on linear.csv) and adjusted p-values.
# R 4.2.2, mvtnorm 1.1-3, sandwich 3.0-2. Run in this folder after linear.R: Rscript multiplicity.R
suppressMessages({library(mvtnorm); library(sandwich); library(jsonlite)})
set.seed(1)
d <- read.csv("linear_filled.csv"); d$arm <- factor(d$arm)
fit <- lm(y ~ arm + xf + sex, d); V <- vcovHC(fit, "HC2")
# Two differences: by nested integration over the scale s and one of them. More arms: the product form of the raw comparison.
plane <- function(h, v, df) { m <- v[1, 2] / v[1, 1]; sd1 <- sqrt(v[1, 1]); sd2 <- sqrt(v[2, 2] - m * v[1, 2])
  inner <- function(s) sapply(s, function(u) { k <- u * h
    f <- function(a) { lo <- pmax(-k[2], a - k[3]); hi <- pmin(k[2], a + k[3]); dnorm(a, 0, sd1) * pmax(0, pnorm((hi - m * a) / sd2) - pnorm((lo - m * a) / sd2)) }
    cut <- sort(unique(pmin(pmax(c(-k[1], k[3] - k[2], k[2] - k[3], k[1]), -k[1]), k[1])))
    sum(sapply(seq_len(length(cut) - 1), function(i) integrate(f, cut[i], cut[i + 1], rel.tol = 1e-11)$value)) })
  1 - integrate(function(u) inner(u) * 2 * u * df * dchisq(u^2 * df, df), 0.5, 1.6, rel.tol = 1e-9)$value }
tail2 <- function(t, R, df) plane(c(t, t, 1e6), R, df)
root <- function(f) uniroot(function(x) f(x) - .05, c(1, 6), tol = 1e-12)$root
product <- function(t, l, df) { inner <- function(s) sapply(s, function(u) integrate(function(z) { v <- dnorm(z)
  for (k in l) v <- v * (pnorm((t * u + k * z) / sqrt(1 - k^2)) - pnorm((-t * u + k * z) / sqrt(1 - k^2))); v }, -9, 9, rel.tol = 1e-11)$value)
  1 - integrate(function(u) inner(u) * 2 * u * df * dchisq(u^2 * df, df), 0, 4, rel.tol = 1e-10)$value }
df <- fit$df.residual; b <- coef(fit)[c("armB", "armC")]; v <- V[c("armB", "armC"), c("armB", "armC")]
R <- cov2cor(v); se <- sqrt(diag(v)); t <- abs(b / se); crit <- root(function(x) tail2(x, R, df))
out <- list(dunnett = list(estimate = unname(b), p = unname(sapply(t, tail2, R, df)), low = unname(b - crit * se), high = unname(b + crit * se), critical = crit))
least <- 2 * pt(-min(t), df); first <- tail2(max(t), R, df); out$dunnett_down$p <- unname(ifelse(t == max(t), first, max(first, least)))
C <- rbind(c(1, 0), c(0, 1), c(-1, 1)); tv <- abs(C %*% b) / sqrt(diag(C %*% v %*% t(C)))
w <- C %*% v %*% t(C); out$tukey <- list(p = sapply(tv, function(x) plane(x * sqrt(diag(w)), v, df)))
lam <- function(n) sqrt(n[-1] / (n[1] + n[-1]))
for (x in list(list("equal", c(20, 20, 20, 20), 76), list("unequal", c(40, 15, 20, 30, 10), 110), list("six", rep(12, 7), 77)))
  out$critical[[x[[1]]]] <- root(function(c) product(c, lam(x[[2]]), x[[3]]))
out$critical$tukey_six <- qtukey(.95, 6, 60) / sqrt(2)
p <- c(0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0)
for (m in c("bonferroni", "holm", "hochberg", "hommel", "BH", "BY")) out$adjust[[m]] <- p.adjust(p, m)
q <- c(0.04, 0.001, 0.03, 0.2, 0.012, 0.012, 0.9); for (m in c("hommel", "hochberg", "BY")) out$ties[[m]] <- p.adjust(q, m)
# Anderson (2008), sharpened q-values, transcribed from the description of the procedure
sharpen <- function(p, step = .001) { m <- length(p); o <- order(p); s <- p[o]; r <- seq_len(m); qv <- rep(1, m)
  for (k in seq(round(1 / step), 1)) { q <- k * step; q1 <- q / (1 + q); r1 <- max(c(0, r[s <= q1 * r / m]))
    if (r1 == m) r2 <- m else { q2 <- q1 * m / (m - r1); r2 <- max(c(0, r[s <= q2 * r / m])) }
    if (r2 > 0) qv[seq_len(r2)] <- q }
  a <- rep(NA, m); a[o] <- qv; a }
out$adjust$sharpened_q <- sharpen(p); out$ties$sharpened_q <- sharpen(q)
out$fine$sharpened_q <- sharpen(p, 1e-5)
write_json(out, "multiplicity.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
