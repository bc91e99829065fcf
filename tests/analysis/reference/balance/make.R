# Reference numbers for balance. Rscript make.R, in this directory.
# R 4.2.2 (stats), jsonlite 1.8.4. d2 is written out: Hansen and Bowers (2008) for the sums of an arm within strata.
suppressMessages(library(jsonlite))
set.seed(20267)
n <- 180
d <- data.frame(person = 1:n, arm = sample(rep(c("A", "B", "C"), n / 3)), city = sample(c("north", "south"), n, TRUE), age = round(rnorm(n, 45, 9)), woman = rbinom(n, 1, .5),
  wb0 = round(rnorm(n, 5, 2), 1), school = sample(c("low", "middle", "high"), n, TRUE), household = paste0("h", rep(1:90, each = 2)))
d$arm2 <- rep(sample(rep(c("A", "B"), 45)), each = 2)
write.csv(d, "people.csv", row.names = FALSE, quote = FALSE)
out <- list()
smd <- function(x, a, binary) { g <- split(x, d$arm); v <- sapply(g, function(y) if (binary) mean(y) * (1 - mean(y)) else var(y)); unname((mean(g[[a]]) - mean(g$A)) / sqrt((v[[a]] + v[["A"]]) / 2)) }
for (a in c("B", "C")) out$smd[[a]] <- list(age = smd(d$age, a, FALSE), woman = smd(d$woman, a, TRUE), `school=low` = smd(as.numeric(d$school == "low"), a, TRUE))
out$moments <- list(mean = mean(d$age[d$arm == "B"]), sd = sd(d$age[d$arm == "B"]))
d2 <- function(X, z, b = rep(1, length(z))) { t <- 0; V <- 0; for (s in unique(b)) { i <- b == s; n1 <- sum(z[i]); m <- sum(i); Xc <- scale(X[i, , drop = FALSE], scale = FALSE)
  t <- t + colSums(Xc[z[i] == 1, , drop = FALSE]); V <- V + n1 * (m - n1) / m * cov(X[i, , drop = FALSE]) }; drop(t %*% solve(V, t)) }
p <- d[d$arm != "C", ]; X <- as.matrix(p[c("age", "woman", "wb0")]); z <- as.numeric(p$arm == "B")
out$pair <- list(d2 = d2(X, z), p = pchisq(d2(X, z), 3, lower = FALSE)); out$strata <- list(d2 = d2(X, z, p$city))
f <- summary(lm(z ~ X)); out$pair_F <- list(F = unname(f$fstatistic[1]), df2 = unname(f$fstatistic[3]))
m <- function(form, data) { s <- summary(manova(form, data), test = "Pillai")$stats; s <- s["arm", ]; list(F = s[["approx F"]], df = s[["num Df"]], df2 = s[["den Df"]], p = s[["Pr(>F)"]], trace = s[["Pillai"]]) }
out$three_F <- m(cbind(age, woman, wb0) ~ arm, d); out$three_F_strata <- m(cbind(age, woman, wb0) ~ city + arm, d)
out$three_d2 <- (n - 1) * out$three_F$trace
S <- function(v) rowsum(v, d$household); Xh <- apply(scale(as.matrix(d[c("age", "wb0")]), scale = FALSE), 2, S); zh <- as.numeric(tapply(d$arm2, d$household, `[`, 1)[rownames(S(d$age))] == "B")
out$clusters <- d2(Xh, zh)
writeLines(toJSON(out, digits = NA, auto_unbox = TRUE, pretty = TRUE), "expected.json")
