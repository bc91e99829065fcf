# Makes reliability.csv (answers) and reliability.json (reference numbers): Rscript reliability.R
# R 4.2.2, psych 2.2.9 (alpha, Feldt limits), lavaan 0.6.14 (one-factor ML fit for omega).
library(psych); library(lavaan); library(jsonlite)
set.seed(20171001)
n <- 240
mastery <- c("no_way", "pushed", "control", "can_do", "helpless", "future", "change")
loading <- c(.7, .6, .75, -.5, .8, -.35, .65)
trait <- rnorm(n)
raw <- sapply(loading, function(l) l * trait + sqrt(1 - l^2) * rnorm(n))
answers <- apply(raw, 2, function(x) as.integer(cut(x, c(-Inf, -.8, .1, 1, Inf))))
colnames(answers) <- paste0("mastery4_", mastery)
answers[sample(length(answers), 60)] <- NA
write.csv(answers, "reliability.csv", row.names = FALSE, na = "")
keys <- c(TRUE, TRUE, TRUE, FALSE, TRUE, FALSE, TRUE)
turned <- answers
turned[, keys] <- 5 - turned[, keys]
whole <- as.data.frame(turned[complete.cases(turned), ])
reference <- function(x) {
  a <- suppressWarnings(psych::alpha(x, check.keys = FALSE, warnings = FALSE))
  f <- psych::alpha.ci(a$total$raw_alpha, n.obs = nrow(x), n.var = ncol(x), p.val = .05, digits = 16)
  fit <- cfa(paste("f =~", paste(names(x), collapse = "+")), data = x, std.lv = TRUE)
  e <- lavInspect(fit, "est")
  list(n = nrow(x), alpha = a$total$raw_alpha, alpha_standardised = a$total$std.alpha, average_r = a$total$average_r,
       alpha_low = f$lower.ci, alpha_high = f$upper.ci,
       omega = sum(e$lambda)^2 / (sum(e$lambda)^2 + sum(diag(e$theta))),
       item_rest = a$item.stats$r.drop, alpha_if_deleted = a$alpha.drop$raw_alpha,
       mean = unname(colMeans(x)), sd = unname(apply(x, 2, sd)))
}
forgotten <- whole
forgotten$mastery4_can_do <- 5 - forgotten$mastery4_can_do
write(toJSON(list(turned = reference(whole), forgotten = reference(forgotten)), digits = 15, auto_unbox = TRUE, pretty = TRUE),
      "reliability.json")
