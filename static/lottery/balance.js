/* The balance rule of a re-randomised VLOT-1 draw, in exact fractions. */
"use strict";

const Balance = (() => {
  const gcd = (a, b) => {
    while (b) [a, b] = [b, a % b];
    return a < 0n ? -a : a;
  };

  class Exact {
    constructor(top, bottom = 1n) {
      const common = gcd(top, bottom) || 1n;
      const sign = bottom < 0n ? -1n : 1n;
      this.top = (sign * top) / common;
      this.bottom = (sign * bottom) / common;
    }

    static of(value) {
      const [top, bottom = "1"] = String(value).split("/");
      const [whole, decimals = ""] = top.split(".");
      return new Exact(BigInt(whole + decimals), BigInt(bottom) * 10n ** BigInt(decimals.length));
    }

    plus(other) {
      return new Exact(this.top * other.bottom + other.top * this.bottom, this.bottom * other.bottom);
    }

    minus(other) {
      return new Exact(this.top * other.bottom - other.top * this.bottom, this.bottom * other.bottom);
    }

    times(other) {
      return new Exact(this.top * other.top, this.bottom * other.bottom);
    }

    over(other) {
      return new Exact(this.top * other.bottom, this.bottom * other.top);
    }

    get size() {
      return new Exact(this.top < 0n ? -this.top : this.top, this.bottom);
    }

    isAbove(other) {
      return this.top * other.bottom > other.top * this.bottom;
    }
  }

  const ZERO = new Exact(0n);
  const number = (count) => new Exact(BigInt(count));
  const sum = (values) => values.reduce((total, value) => total.plus(value), ZERO);
  const means = (rows) => rows[0].map((_, column) => sum(rows.map((row) => row[column])).over(number(rows.length)));

  function determinant(matrix) {
    if (!matrix.length) return number(1);
    return sum(
      matrix[0].map((value, column) => {
        const minor = matrix.slice(1).map((row) => row.filter((_, place) => place !== column));
        const term = value.times(determinant(minor));
        return column % 2 ? ZERO.minus(term) : term;
      }),
    );
  }

  /* M <= max exactly when max S - n d d' has no negative determinant. */
  function isNear(rule, scatter, all, one, two) {
    const apart = means(one).map((mean, column) => mean.minus(means(two)[column]));
    const n = number(one.length * two.length).over(number(one.length + two.length));
    const most = Exact.of(rule.max ?? 0).over(number(all - 1));
    const matrix = scatter.map((row, i) =>
      row.map((value, j) => most.times(value).minus(n.times(apart[i]).times(apart[j]))),
    );
    const tolerances = rule.tolerances ?? [];
    const near = tolerances.every(
      (limit, place) => !apart[scatter.length + place].size.isAbove(Exact.of(limit.max_difference)),
    );
    return near && !ZERO.isAbove(determinant(matrix));
  }

  /* Whether every two arms that occur are alike; the values stand in the rows from the third field on. */
  function accepts(rule, units, arms) {
    const groups = new Map();
    for (const [unit, , ...values] of units) {
      const arm = arms.get(unit);
      groups.set(arm, [...(groups.get(arm) ?? []), values.map(Exact.of)]);
    }
    const all = [...groups.values()].flat();
    const middle = means(all);
    const columns = (rule.mahalanobis ?? []).map((_, place) => place);
    const off = all.map((row) => row.map((value, column) => value.minus(middle[column])));
    const scatter = columns.map((i) => columns.map((j) => sum(off.map((row) => row[i].times(row[j])))));
    const list = [...groups.values()];
    return list.every((one, i) => list.slice(i + 1).every((two) => isNear(rule, scatter, all.length, one, two)));
  }

  return { accepts };
})();
