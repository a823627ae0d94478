// One table of rows that may be compared: sortable, filterable, with intervals and provenance.

const MARKS = { best: 'best', second: 'second best', doubtful: 'doubtful: the report beside the table gives another number' };

class ResultTable {
  constructor(table, provenance) {
    this.table = table;
    this.provenance = provenance;
    this.sorted = { column: null, reversed: false };
    this.hasClips = table.rows.some((row) => row.clips !== null);
    this.rows = table.rows.map((row) => ({ row, node: this.rowNode(row), text: this.searchText(row) }));
    this.body = element('tbody', {}, this.rows.map((row) => row.node));
    this.headers = [this.header('model', null), ...table.columns.map((column, index) => this.header(column, index)),
      this.hasClips ? this.header('clips', 'clips') : null].filter(Boolean);
    this.element = element('article', { class: `card table-card ${table.origin}` },
      element('h3', {}, table.title),
      table.note ? element('p', { class: 'muted note' }, table.note) : null,
      this.settingNode(),
      element('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': `Table ${table.title}` },
        element('table', {}, element('thead', {}, element('tr', {}, this.headers)), this.body)),
      this.remarksNode());
  }

  header(column, index) {
    const plain = typeof column === 'string';
    const name = plain ? column : columnName(column.name);
    const label = plain ? name : `${name}, ${directionText(column)}`;
    return element('th', { scope: 'col', class: index === null ? 'model' : 'number', 'aria-sort': 'none' },
      element('button', { type: 'button', title: plain ? null : [column.summary, directionText(column)].filter(Boolean).join('; '),
        'aria-label': `Sort by ${label}`, onclick: () => this.sort(index) },
        name, plain ? null : element('span', { class: 'direction', 'aria-hidden': 'true' }, directionArrow(column)),
        element('span', { class: 'caret', 'aria-hidden': 'true' })));
  }

  rowNode(row) {
    const button = element('button', { type: 'button', class: 'info', 'aria-label': `Where ${row.label} comes from` }, 'i');
    const model = element('th', { scope: 'row', class: 'model' }, element('span', { class: 'model-cell' },
      element('span', { class: 'name' }, row.label), button));
    this.provenance.attach(model, button, row);
    return element('tr', {}, model, this.table.columns.map((column, index) => this.cell(row, column, index)),
      this.hasClips ? element('td', { class: 'number muted' }, row.clips === null ? '' : row.clips.toLocaleString('en')) : null);
  }

  cell(row, column, index) {
    const value = row.values[index];
    const mark = row.marks[index];
    const reason = value === null ? row.reasons[column.name] : mark === 'doubtful' ? MARKS.doubtful : null;
    const interval = intervalText(row.intervals[index], column);
    return element('td', { class: `number ${mark}`, title: reason },
      element('span', { class: 'value' }, row.printed?.[index] || numberText(value, column)),
      mark ? hiddenText(` (${MARKS[mark]})`) : null,
      value === null && reason ? hiddenText(` (${reason})`) : null,
      interval ? element('span', { class: 'interval' }, interval) : null);
  }

  settingNode() {
    const shown = Object.entries(this.table.setting)
      .filter(([name]) => !['origin', 'dataset', 'split', 'task', 'clips', 'paper', 'table'].includes(name))
      .map(([name, value]) => element('li', {}, element('span', { class: 'muted' }, name.replaceAll('_', ' ')), ' ',
        element('span', { title: value }, name === 'dataset_hash' ? value.slice(0, 8) : value)));
    return shown.length === 0 ? null : element('ul', { class: 'setting', 'aria-label': 'What all rows have alike' }, shown);
  }

  /** Why cells are empty, a line a reason. */
  remarksNode() {
    const reasons = new Map();
    for (const row of this.table.rows) {
      for (const [metric, reason] of Object.entries(row.reasons)) {
        if (!reasons.has(reason)) reasons.set(reason, new Map());
        const models = reasons.get(reason);
        models.set(metric, [...(models.get(metric) ?? []), row.label]);
      }
    }
    if (!reasons.size) return null;
    const all = this.table.rows.length;
    const lines = [...reasons].map(([reason, metrics]) => element('li', {}, element('strong', {},
      [...metrics].map(([metric, models]) => columnName(metric) + (models.length < all ? ` of ${models.join(', ')}` : '')).join(', ')),
    ': ', reason));
    return element('details', { class: 'empty-cells' }, element('summary', {}, 'Why some metrics are empty'), element('ul', {}, lines));
  }

  searchText(row) {
    return [row.label, this.table.title, ...row.provenance.map(([, value]) => value)].join('\n').toLowerCase();
  }

  /** By a column's number, by 'clips', or by the model's name (null); best first, and the other way the next time. */
  sort(index) {
    const again = this.sorted.column === index && this.sorted.active;
    this.sorted = { column: index, reversed: again && !this.sorted.reversed, active: true };
    const sign = this.sorted.reversed ? -1 : 1;
    const column = this.table.columns[index];
    const value = (row) => (index === 'clips' ? row.clips : row.values[index]);
    const compare = index === null
      ? (first, second) => sign * first.row.label.localeCompare(second.row.label, 'en', { numeric: true })
      : (first, second) => {
        const [mine, theirs] = [value(first.row), value(second.row)];
        const doubts = isDoubtful(first.row, index) - isDoubtful(second.row, index);
        if (doubts && mine !== null && theirs !== null) return doubts;
        const order = byQuality(mine, theirs, column?.better ?? 'higher');
        return mine === null || theirs === null ? order : sign * order;
      };
    this.body.append(...[...this.rows].sort(compare).map((row) => row.node));
    const rising = index === null || (column?.better ?? 'higher') === 'lower';
    this.headers.forEach((header, place) => {
      const own = place === 0 ? null : place > this.table.columns.length ? 'clips' : place - 1;
      header.setAttribute('aria-sort', own !== index ? 'none' : rising !== this.sorted.reversed ? 'ascending' : 'descending');
    });
  }

  /** Show only what has every word of `text`, that model and that task; returns how many rows are left. */
  filter({ text, model, task }) {
    const matches = wordFilter(text);
    let left = 0;
    for (const { row, node, text: mine } of this.rows) {
      const shown = (!task || this.table.task === task) && (!model || row.model === model) && matches(mine);
      node.hidden = !shown;
      left += shown;
    }
    this.element.hidden = left === 0;
    return left;
  }
}
