# Makes clusters.csv and clusters.json: the wild cluster bootstrap by going through all sign vectors with whole fits,
# and the ANOVA intra-cluster correlation. R 4.2.2, sandwich 3.0-2. Run in this folder: Rscript clusters.R
suppressMessages({library(sandwich); library(jsonlite)})
set.seed(9)
G <- 10; g <- rep(seq_len(G), c(6, 9, 4, 12, 7, 8, 5, 10, 6, 8)); n <- length(g)
arm <- ifelse(g %% 2 == 0, "B", "A"); x <- round(rnorm(n), 3)
y <- round(0.9 * (arm == "B") + 0.4 * x + rnorm(G)[g] * 0.7 + rnorm(n), 4)
d <- data.frame(arm, g, x, y); write.csv(d, "clusters.csv", row.names = FALSE, quote = FALSE)
X <- cbind(1, arm == "B", x); k <- ncol(X)
tstat <- function(y, b = 0) { f <- lm.fit(X, y); e <- f$residuals; M <- solve(crossprod(X))
  S <- rowsum(X * e, g); V <- M %*% crossprod(S) %*% M * G / (G - 1) * (n - 1) / (n - k); c(f$coefficients[2], sqrt(V[2, 2])) }
signs <- as.matrix(expand.grid(rep(list(c(-1, 1)), G)))
s <- tstat(y)
p <- function(b) { r <- lm.fit(X[, -2], y - b * X[, 2]); u <- r$residuals; base <- r$fitted.values + b * X[, 2]
  t <- apply(signs, 1, function(v) { q <- tstat(base + v[g] * u); (q[1] - b) / q[2] })
  mean(abs(t) >= abs((s[1] - b) / s[2]) - 1e-9) }
lim <- function(a, z) { for (i in 1:30) { m <- (a + z) / 2; if (p(m) > .05) a <- m else z <- m }; a }
out <- list(wild = list(estimate = unname(s[1]), std_error = s[2], statistic = unname(s[1] / s[2]), p_value = p(0),
  conf_low = lim(s[1], s[1] - 8 * s[2]), conf_high = lim(s[1], s[1] + 8 * s[2])))
stopifnot(abs(sqrt(vcovCL(lm(y ~ arm + x), g, type = "HC1")["armB", "armB"]) - s[2]) < 1e-10)
a <- anova(lm(y ~ factor(g))); ng <- as.numeric(table(g)); m0 <- (n - sum(ng^2) / n) / (G - 1)
rho <- (a[1, 3] - a[2, 3]) / (a[1, 3] + (m0 - 1) * a[2, 3]); cv2 <- mean((ng - mean(ng))^2) / mean(ng)^2
out$icc <- list(estimate = rho, statistic = a[1, 4], p_value = a[1, 5]); out$size <- mean(ng); out$effect <- 1 + ((cv2 + 1) * mean(ng) - 1) * rho
write_json(out, "clusters.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
