// Puts the page together from its data.

const page = JSON.parse(document.getElementById('data').textContent);
const byId = (id) => document.getElementById(id);

function setUpTables() {
  const provenance = new Provenance(byId('provenance'));
  const tables = page.tables.map((table) => new ResultTable(table, provenance));
  const list = byId('table-list');
  const measured = tables.filter(({ table }) => table.origin === 'measured');
  const published = tables.filter(({ table }) => table.origin === 'published');
  list.append(...measured.map((table) => table.element));
  if (page.differences.length) {
    list.append(element('details', { class: 'card' }, element('summary', {}, 'Why these tables are not one ranking'),
      element('ul', {}, page.differences.map((line) => element('li', {}, line)))));
  }
  if (published.length) {
    list.append(element('details', { class: 'card published' },
      element('summary', {}, element('strong', {}, 'Published in papers'), ` · ${plural(published.length, 'table')}, not ranked with those above`),
      element('p', { class: 'muted note' }, page.published_note),
      element('div', { class: 'published-tables' }, published.map((table) => table.element))));
  }
  setUpFilters(tables);
}

function setUpFilters(tables) {
  const wanted = { text: '', model: '', task: '' };
  const total = page.tables.reduce((sum, table) => sum + table.rows.length, 0);
  const status = element('p', { class: 'muted filter-status', role: 'status' });
  const apply = () => {
    const left = tables.reduce((sum, table) => sum + table.filter(wanted), 0);
    status.textContent = left === total ? plural(total, 'row') : `${left.toLocaleString('en')} of ${plural(total, 'row')}`;
  };
  const change = (key) => (value) => { wanted[key] = value; apply(); };
  const unique = (values) => [...new Set(values.filter(Boolean))].sort((a, b) => a.localeCompare(b)).map((value) => [value, value]);
  const form = byId('filters');
  form.addEventListener('submit', (event) => event.preventDefault());
  form.append(
    element('label', { class: 'field grow' }, element('span', {}, 'Filter'), element('input', { type: 'search', placeholder: 'any text of a row',
      autocomplete: 'off', spellcheck: 'false', oninput: (event) => change('text')(event.target.value) })),
    choice('Model', [['', 'all'], ...unique(page.tables.flatMap((table) => table.rows.map((row) => row.model)))], '', change('model')),
    choice('Task', [['', 'all'], ...unique(page.tables.map((table) => table.task))], '', change('task')), status);
  apply();
}

/** Metrics and clips of one table at a time; both sections choose it together. */
function setUpDetails(player) {
  const tables = page.tables.filter((table) => table.origin === 'measured');
  const explorer = new Explorer((...clip) => player.open(...clip));
  byId('explorer').append(explorer.element);
  const withClips = tables.find((table) => table.clips.clips.length);
  const show = (index) => {
    const table = tables[index];
    for (const id of ['metrics-controls', 'clips-controls']) {
      byId(id).replaceChildren(choice('Table', tables.map((each, place) => [place, each.title]), index, (value) => show(Number(value))));
      byId(id).hidden = tables.length < 2;
    }
    byId('charts').replaceChildren(...table.columns.map((column, place) => metricChart(table, place)));
    explorer.show(table);
  };
  if (tables.length) show(Math.max(0, tables.indexOf(withClips)));
}

function setUpRemarks() {
  const lines = page.problems;
  if (!lines.length) return;
  byId('remarks').append(element('details', { class: 'remarks', open: lines.length <= 5 },
    element('summary', {}, `${plural(lines.length, 'remark')} on these results`),
    element('ul', {}, lines.map((line) => element('li', {}, line)))));
}

function setUpHelp(dialog) {
  dialog.append(element('h2', { id: 'help-heading' }, 'Keys and help'),
    element('p', {}, 'A click on the head of a column sorts by it, a second one the other way. Point at a model, or focus its “i”, to see where its numbers come from.'),
    element('h3', {}, 'In the player'), element('dl', {}, KEYS.map(([key, text]) => [element('dt', {}, key), element('dd', {}, text)])),
    element('button', { type: 'button', class: 'primary', onclick: () => dialog.close() }, 'Close'));
  byId('open-help').addEventListener('click', () => dialog.showModal());
  document.addEventListener('keydown', (event) => {
    if (event.key === '?' && !event.target.matches('input, select, textarea') && !dialog.open) dialog.showModal();
  });
}

setUpTheme(byId('theme'));
const measuredCount = page.tables.filter((table) => table.origin === 'measured').length;
byId('summary').textContent = `${plural(measuredCount, 'table')} · written ${page.date} · lia-bench ${page.version}`;
setUpRemarks();
setUpTables();
setUpDetails(new Player(byId('player')));
setUpHelp(byId('help'));
