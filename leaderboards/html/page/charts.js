// A picture of each metric: a dot a model with whiskers for its 95 % interval.

const CHART = { width: 380, row: 24, top: 8, bottom: 24, value: 64 };

function metricChart(table, index) {
  const column = table.columns[index];
  const rows = table.rows.filter((row) => row.values[index] !== null)
    .sort((first, second) => isDoubtful(first, index) - isDoubtful(second, index)
      || byQuality(first.values[index], second.values[index], column.better));
  const name = columnName(column.name);
  const label = Math.min(130, 16 + 7.2 * Math.max(...rows.map((row) => row.label.length)));
  const ends = rows.flatMap((row) => [row.values[index], ...(row.intervals[index] ?? [])]);
  const [least, most] = [Math.min(...ends), Math.max(...ends)];
  // Of speeds one may be a thousand times another, which would leave all others in one spot.
  const logarithmic = least > 0 && most / least > 100;
  const scale = logarithmic ? Math.log10 : (value) => value;
  const ticks = logarithmic ? powersOfTen(least, most) : niceTicks(least, most);
  const [low, high] = [scale(Math.min(least, ticks[0])), scale(Math.max(most, ticks.at(-1)))];
  const right = CHART.width - CHART.value;
  const x = (value) => label + 12 + ((scale(value) - low) / (high - low || 1)) * (right - label - 20);
  const bottom = CHART.top + rows.length * CHART.row;
  const height = bottom + CHART.bottom;
  const id = `chart-${index}`;
  const picture = drawn('svg', { viewBox: `0 0 ${CHART.width} ${height}`, role: 'img', 'aria-labelledby': `${id}-title ${id}-text` },
    drawn('title', { id: `${id}-title` }, `${name} of ${plural(rows.length, 'model')}, ${directionText(column)}`),
    drawn('desc', { id: `${id}-text` }, rows.map((row) => rowText(row, column, index)).join('; ')),
    ticks.map((tick) => drawn('g', { class: 'tick' },
      drawn('line', { x1: x(tick), x2: x(tick), y1: CHART.top, y2: bottom }),
      drawn('text', { x: x(tick), y: bottom + 16, 'text-anchor': 'middle' }, logarithmic ? tick.toLocaleString('en') : tickText(tick, ticks)))),
    rows.map((row, place) => chartRow(row, column, index, place, label, x)));
  return element('figure', { class: 'card chart' },
    element('figcaption', {}, element('strong', {}, `${name} ${directionArrow(column)}`),
      element('span', { class: 'muted' }, ` ${directionText(column)}${logarithmic ? ', logarithmic' : ''}`)),
    column.summary ? element('p', { class: 'chart-summary muted' }, column.summary) : null, picture);
}

function chartRow(row, column, index, place, label, x) {
  const middle = CHART.top + (place + 0.5) * CHART.row;
  const [value, interval] = [row.values[index], row.intervals[index]];
  const shown = row.label.length > 17 ? `${row.label.slice(0, 16)}…` : row.label;
  return drawn('g', { class: `chart-row${row.marks[index] === 'best' ? ' first' : ''}` },
    drawn('title', {}, rowText(row, column, index)),
    drawn('rect', { class: 'hover', x: 0, y: middle - CHART.row / 2, width: CHART.width, height: CHART.row, rx: 4 }),
    drawn('text', { class: 'chart-label', x: label, y: middle + 4, 'text-anchor': 'end' }, shown),
    interval ? drawn('path', { class: 'whisker', d: `M${x(interval[0])} ${middle}H${x(interval[1])}` +
      `M${x(interval[0])} ${middle - 4}v8M${x(interval[1])} ${middle - 4}v8` }) : '',
    drawn('circle', { class: 'dot', cx: x(value), cy: middle, r: 4.5 }),
    drawn('text', { class: 'chart-value', x: CHART.width - 4, y: middle + 4, 'text-anchor': 'end' },
      shownNumber(row, column, index)));
}

function rowText(row, column, index) {
  const interval = intervalText(row.intervals[index], column);
  return `${row.label} ${shownNumber(row, column, index)}${interval ? ` (${interval})` : ''}`;
}

function shownNumber(row, column, index) {
  return (row.printed?.[index] || numberText(row.values[index], column)) + (isDoubtful(row, index) ? '?' : '');
}

/** Two to six round numbers within the range. */
function niceTicks(low, high) {
  const span = high - low || Math.abs(high) || 1;
  const rough = span / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough));
  const ticks = [];
  for (let tick = Math.ceil(low / step - 1e-9) * step; tick <= high + step * 1e-9; tick += step) ticks.push(tick);
  return ticks.length ? ticks : [low];
}

function powersOfTen(low, high) {
  const ticks = [];
  for (let power = Math.ceil(Math.log10(low)); power <= Math.log10(high); power += 1) ticks.push(10 ** power);
  return ticks;
}

function tickText(tick, ticks) {
  const step = ticks.length > 1 ? ticks[1] - ticks[0] : Math.abs(tick) || 1;
  return tick.toFixed(Math.max(0, Math.min(8, Math.ceil(-Math.log10(step) - 1e-9))));
}
