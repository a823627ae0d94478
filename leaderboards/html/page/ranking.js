// Which clips are worst, median and best for a model, and which are hard for all of them.

/** Numbers of the clips that the contestant has a value on, worst first. */
function worstFirst(values, better) {
  return values.map((value, clip) => clip).filter((clip) => values[clip] !== null)
    .sort((first, second) => -byQuality(values[first], values[second], better));
}

/** The worst, median and best clip of an order that has the worst first; null where it is empty. */
function extremes(order) {
  return order.length ? { worst: order[0], median: order[(order.length - 1) >> 1], best: order.at(-1) } : null;
}

/**
 * How hard each clip is: its rank among a model's clips, 0 easiest to 1 hardest, on average over models.
 * Ranks make metrics and models alike: one model that fails everywhere does not decide.
 */
function hardness(valuesByContestant, better, count) {
  const sums = new Float64Array(count);
  const counts = new Uint32Array(count);
  for (const values of valuesByContestant) {
    const order = worstFirst(values, better).reverse();
    // Equal values share the mean of their ranks, or the order of clips would make some of them harder.
    for (let start = 0, end; start < order.length; start = end) {
      for (end = start + 1; end < order.length && values[order[end]] === values[order[start]];) end += 1;
      const rank = (start + end - 1) / 2;
      for (const clip of order.slice(start, end)) {
        sums[clip] += order.length > 1 ? rank / (order.length - 1) : 0.5;
        counts[clip] += 1;
      }
    }
  }
  return Array.from(sums, (sum, clip) => (counts[clip] ? sum / counts[clip] : null));
}
