# Makes binary.csv and binary.json: reference numbers for risks and tables of counts.
# R 4.2.2, sandwich 3.0-2, metafor 3.8-1, estimatr 1.0.0. Run in this folder: Rscript binary.R
suppressMessages({library(sandwich); library(jsonlite); library(metafor); library(estimatr)})
set.seed(77)
n <- 260
arm <- sample(c("A", "B", "C"), n, TRUE, c(.4, .3, .3))
x <- round(rnorm(n), 3); stratum <- sample(c("k", "l", "m"), n, TRUE); hh <- sample(rep(1:140, length.out = n))
y <- rbinom(n, 1, plogis(-0.9 + 0.5 * x + 0.6 * (arm == "B") + 0.4 * (stratum == "l")))
rare <- as.integer(seq_len(n) %in% c(which(arm == "A")[1:4], which(arm == "B")[1:9], which(arm == "C")[1:2]))
kind <- sample(c("none", "part", "full"), n, TRUE, c(.6, .25, .15))
d <- data.frame(arm, x, stratum, hh, y, rare, kind)
write.csv(d, "binary.csv", row.names = FALSE, quote = FALSE)
out <- list()
log_row <- function(b, s, l = .95) { q <- qnorm(.5 + l / 2); list(estimate = b, std_error = s, statistic = b / s, p_value = 2 * pnorm(-abs(b / s)),
  conf_low = b - q * s, conf_high = b + q * s, ratio = exp(b), ratio_low = exp(b - q * s), ratio_high = exp(b + q * s)) }
newcombe <- function(a, n1, c, n0) {
  w <- function(x, n) prop.test(x, n, correct = FALSE)$conf.int
  p <- a / n1; q <- c / n0; i <- w(a, n1); j <- w(c, n0)
  list(conf_low = p - q - sqrt((p - i[1])^2 + (j[2] - q)^2), conf_high = p - q + sqrt((i[2] - p)^2 + (q - j[1])^2))
}
f <- lm_robust(y ~ arm, d, se_type = "HC2")
for (a in c("B", "C")) {
  t <- paste0("arm", a); p <- d[d$arm %in% c("A", a), ]
  e1 <- sum(p$y[p$arm == a]); n1 <- sum(p$arm == a); e0 <- sum(p$y[p$arm == "A"]); n0 <- sum(p$arm == "A")
  out$risk_difference[[a]] <- list(estimate = unname(f$coefficients[t]), std_error = unname(f$std.error[t]), df = unname(f$df[t]),
    conf_low = unname(f$conf.low[t]), conf_high = unname(f$conf.high[t]))
  r1 <- sum(p$rare[p$arm == a]); r0 <- sum(p$rare[p$arm == "A"])
  out$newcombe[[a]] <- c(list(estimate = r1 / n1 - r0 / n0), newcombe(r1, n1, r0, n0))
  out$risk_ratio[[a]] <- log_row(log(e1 / n1 / (e0 / n0)), sqrt(1 / e1 - 1 / n1 + 1 / e0 - 1 / n0))
  g <- glm(y ~ arm + x + stratum, binomial, d, control = list(epsilon = 1e-14))
  out$odds_model[[a]] <- log_row(unname(coef(g)[t]), sqrt(vcov(g)[t, t]))
  out$odds_HC0[[a]] <- log_row(unname(coef(g)[t]), sqrt(sandwich(g)[t, t]))
  out$loglik <- as.numeric(logLik(g))
  tab <- sapply(c("k", "l", "m"), function(s) { q <- p[p$stratum == s, ]
    c(sum(q$y[q$arm == a]), sum(1 - q$y[q$arm == a]), sum(q$y[q$arm == "A"]), sum(1 - q$y[q$arm == "A"])) })
  for (m in c("RD", "RR", "OR")) { h <- rma.mh(tab[1, ], tab[2, ], tab[3, ], tab[4, ], measure = m)
    out$mh[[m]][[a]] <- list(estimate = as.numeric(h$beta), std_error = h$se, p_value = h$pval, conf_low = h$ci.lb, conf_high = h$ci.ub) }
}
# standardisation: influence function, and the delta method with covariates fixed
g <- glm(y ~ arm + x + stratum, binomial, d, control = list(epsilon = 1e-14))
X <- model.matrix(g); s <- X * (d$y - fitted(g)); B <- solve(crossprod(X * sqrt(fitted(g) * (1 - fitted(g)))) / n)
mu <- function(a) predict(g, transform(d, arm = a), type = "response")
gbar <- function(a) { M <- X; M[, c("armB", "armC")] <- 0; if (a != "A") M[, paste0("arm", a)] <- 1; m <- mu(a); colMeans(M * m * (1 - m)) }
psi <- function(a) mu(a) - mean(mu(a)) + as.numeric(s %*% B %*% gbar(a))
for (a in c("A", "B", "C")) out$risk[[a]] <- list(estimate = mean(mu(a)), std_error = sqrt(sum(psi(a)^2)) / n)
for (a in c("B", "C")) {
  d1 <- psi(a) - psi("A"); rr <- psi(a) / mean(mu(a)) - psi("A") / mean(mu("A"))
  out$std_difference[[a]] <- list(estimate = mean(mu(a)) - mean(mu("A")), std_error = sqrt(sum(d1^2)) / n)
  out$std_cluster[[a]] <- list(std_error = sqrt(sum(tapply(d1, hh, sum)^2)) / n)
  out$std_ratio[[a]] <- log_row(log(mean(mu(a)) / mean(mu("A"))), sqrt(sum(rr^2)) / n)
  v <- gbar(a) - gbar("A")
  out$std_delta_model[[a]] <- list(std_error = sqrt(as.numeric(v %*% vcov(g) %*% v)))
  out$std_delta_HC0[[a]] <- list(std_error = sqrt(as.numeric(v %*% sandwich(g) %*% v)))
}
ch <- chisq.test(table(d$arm, d$kind), correct = FALSE)
out$chi_square <- list(statistic = unname(ch$statistic), df = unname(ch$parameter), p_value = ch$p.value)
two <- d[d$arm != "C", ]; cy <- chisq.test(table(two$arm, two$y), correct = TRUE); out$chi_yates <- list(statistic = unname(cy$statistic), p_value = cy$p.value)
out$fisher <- list(kind = fisher.test(table(d$arm, d$kind), workspace = 2e7)$p.value, rare = fisher.test(table(d$arm, d$rare))$p.value,
  y = fisher.test(table(d$arm, d$y))$p.value, two = fisher.test(table(two$arm, two$y))$p.value)
write_json(out, "binary.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
