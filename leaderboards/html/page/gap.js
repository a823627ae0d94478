// Whether a metric gets worse where an animation starts from another pose: a dot a clip and model.

const GAP_CHART = { width: 640, height: 260, left: 56, right: 12, top: 10, bottom: 40 };

/** A figure of one metric over the clips' start pose gaps; null where fewer than two gaps are known or none differ. */
function gapChart(table, values, column) {
  const { clips, contestants, gaps } = table.clips;
  const points = contestants.flatMap((row, model) => values[model].map((value, clip) => ({ model, clip, value, gap: gaps[clip] ?? null })))
    .filter(({ value, gap }) => value !== null && gap !== null);
  const [ofGaps, ofValues] = [points.map(({ gap }) => gap), points.map(({ value }) => value)];
  if (!points.length || Math.min(...ofGaps) === Math.max(...ofGaps)) return null;
  const name = columnName(column.name);
  const { width, height, left, right, top, bottom } = GAP_CHART;
  const x = axis(ofGaps, left, width - right);
  const y = axis(ofValues, height - bottom, top);
  const colour = (model) => `hsl(${Math.round((360 * model) / contestants.length)} 60% 48%)`;
  const labels = contestants.map((row) => table.rows[row].label);
  const picture = drawn('svg', { viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': `${name} of each clip over its start pose gap` },
    x.ticks.map((tick) => drawn('g', { class: 'tick' }, drawn('line', { x1: x.at(tick), x2: x.at(tick), y1: top, y2: height - bottom }),
      drawn('text', { x: x.at(tick), y: height - bottom + 16, 'text-anchor': 'middle' }, tickText(tick, x.ticks)))),
    y.ticks.map((tick) => drawn('g', { class: 'tick' }, drawn('line', { x1: left, x2: width - right, y1: y.at(tick), y2: y.at(tick) }),
      drawn('text', { x: left - 6, y: y.at(tick) + 4, 'text-anchor': 'end' }, tickText(tick, y.ticks)))),
    drawn('text', { x: (left + width - right) / 2, y: height - 6, 'text-anchor': 'middle' }, 'start pose gap'),
    points.map(({ model, clip, value, gap }) => drawn('circle', { class: 'gap-dot', cx: x.at(gap), cy: y.at(value), r: 4, fill: colour(model) },
      drawn('title', {}, `${labels[model]}: ${clips[clip][0]}, ${numberText(value, column)} at a gap of ${gap}`))));
  const legend = labels.map((label, model) => element('span', { class: 'gap-label' },
    drawn('svg', { viewBox: '0 0 10 10', width: 10, height: 10, 'aria-hidden': 'true' }, drawn('circle', { cx: 5, cy: 5, r: 4, fill: colour(model) })), ` ${label} `));
  return element('figure', { class: 'card chart gap-chart' },
    element('figcaption', {}, element('strong', {}, `${name} over start pose gap`),
      element('span', { class: 'muted' }, ' how differently source and first driving frame stand')), picture, element('p', {}, legend));
}

/** Round ticks around all values, and the place of a value between two ends. */
function axis(values, begin, end) {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const ticks = niceTicks(least, most);
  const [low, high] = [Math.min(least, ticks[0]), Math.max(most, ticks.at(-1))];
  return { ticks, at: (value) => begin + ((value - low) / (high - low || 1)) * (end - begin) };
}
