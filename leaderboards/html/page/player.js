// The player: source, driving and every model side by side, one set of controls.

const [SMALLEST_TILE, TILE_GAP, CAPTION_HEIGHT] = [150, 12, 30];
const SPEEDS = [0.1, 0.25, 0.5, 0.75, 1];
const VIEWS = { videos: 'Videos', difference: 'Difference', amplified: 'Difference × 4', flow: 'Flow' };
const KEYS = [['Space', 'play or pause'], [', and .', 'a frame back or forth'], ['← and →', 'ten frames back or forth'],
  ['↑ and ↓', 'faster or slower'], ['Home and End', 'first or last frame'], ['L', 'loop on or off'],
  ['D', 'next view: videos, difference, flow'], ['N and P', 'next or previous clip'], ['Esc', 'close']];

class Player {
  constructor(dialog) {
    this.dialog = dialog;
    this.hiddenModels = new Set();
    this.settings = { speed: 1, loop: true, view: 'videos' };
    dialog.addEventListener('close', () => this.release());
    dialog.addEventListener('keydown', (event) => this.key(event));
    this.resizing = new ResizeObserver(() => this.fit());
  }

  /** Show a clip; `order` are the clips that come before and after it. */
  open(table, metric, number, order) {
    this.release();
    Object.assign(this, { table, metric, order, clip: clipOf(table, number) });
    this.build();
    if (!this.dialog.open) this.dialog.showModal();
    this.playButton.focus();
    this.load();
  }

  /** Turn to the clip `by` places on in the list that it was opened from. */
  turn(by) {
    const next = this.order[this.order.indexOf(this.clip.number) + by];
    if (next !== undefined) this.open(this.table, this.metric, next, this.order);
  }

  build() {
    const { clip, table } = this;
    const place = this.order.indexOf(clip.number);
    this.tiles = this.makeTiles();
    const models = this.tiles.filter((tile) => tile.model !== null);
    const turner = (by, sign, label) => element('button', { type: 'button', 'aria-label': label, title: label,
      disabled: this.order[place + by] === undefined, onclick: () => this.turn(by) }, icon(sign));
    this.grid = element('div', { class: 'tiles' }, this.tiles.map((tile) => tile.element));
    this.dialog.replaceChildren(
      element('header', { class: 'player-top' },
        element('div', { class: 'player-title' }, element('h2', {}, clip.name), element('p', { class: 'muted' },
          clip.source === clip.name ? 'reconstruction from its first frame' : `moves ${clip.source}`, ` · ${table.title}`)),
        turner(-1, 'previous', 'Previous clip (P)'), element('span', { class: 'muted place' }, `${place + 1} / ${this.order.length}`),
        turner(1, 'next', 'Next clip (N)'),
        element('button', { type: 'button', 'aria-label': 'Close the player', title: 'Close (Esc)', onclick: () => this.dialog.close() }, icon('close'))),
      models.length > 1 ? this.modelChooser(models) : '',
      this.grid, this.controls());
    this.resizing.disconnect();
    this.resizing.observe(this.grid);
    this.showChosen();
  }

  makeTiles() {
    const { clip, table } = this;
    const tiles = [];
    if (clip.hasSource) tiles.push(this.tile('source', null, element('img', { src: `${clip.folder}/source.png`, alt: 'Source picture' })));
    if (clip.hasDriving) tiles.push(this.videoTile('driving', null, `${clip.folder}/driving.mp4`));
    const metric = table.clips.metrics[this.metric];
    const column = table.columns.find((each) => each.name === metric);
    const values = table.clips.contestants.map((row, index) => (column ? table.clips.values[this.metric][index][clip.number] : null));
    const best = column && column.better !== 'nearer' ? [...values].sort((first, second) => byQuality(first, second, column.better))[0] : null;
    table.clips.contestants.forEach((row, index) => {
      const there = Number(table.clips.has[index][clip.number]);
      if (!(there & VIDEO)) return;
      const value = values[index];
      const note = value === null ? null : element('span', { class: value === best ? 'top-value' : 'muted' }, `${columnName(metric)} ${numberText(value, column)}`);
      const stem = `${clip.folder}/${table.clips.files[index]}`;
      tiles.push(this.videoTile(table.rows[row].label, index, `${stem}.mp4`, there & FLOW ? `${stem}-flow.mp4` : null, note));
    });
    return tiles;
  }

  tile(label, model, picture, note = null) {
    const frame = element('div', { class: 'tile-frame' }, picture);
    const figure = element('figure', { class: `tile${model === null ? ' reference' : ''}` }, frame,
      element('figcaption', {}, element('span', { class: 'name', title: label }, label), note));
    return { label, model, element: figure, frame, video: null };
  }

  videoTile(label, model, file, flow = null, note = null) {
    const video = element('video', { preload: 'none', playsinline: true, 'aria-label': `${label}, video`, onclick: () => this.playback?.toggle() });
    video.muted = true;
    const tile = { ...this.tile(label, model, video, note), video, file, flow };
    video.addEventListener('error', () => {
      if (video.getAttribute('src')) tile.element.classList.add('broken');
    });
    video.addEventListener('loadedmetadata', () => tile.frame.classList.toggle('coarse', video.videoWidth < 128));
    // A seek ends before its picture can be drawn.
    const shown = () => {
      if (!this.playback?.playing) this.drawDifferences();
      video.requestVideoFrameCallback?.(shown);
    };
    video.requestVideoFrameCallback?.(shown);
    if (model !== null) tile.canvas = tile.frame.appendChild(element('canvas', { hidden: true, 'aria-hidden': 'true' }));
    return tile;
  }

  modelChooser(models) {
    return element('fieldset', { class: 'chooser' }, element('legend', { class: 'visually-hidden' }, 'Models to show'),
      models.map((tile) => element('label', { class: 'chip' },
        element('input', { type: 'checkbox', checked: !this.hiddenModels.has(tile.label), onchange: (event) => {
          if (event.target.checked) this.hiddenModels.delete(tile.label);
          else this.hiddenModels.add(tile.label);
          this.showChosen();
          this.playback?.changed();
        } }), tile.label)));
  }

  showChosen() {
    for (const tile of this.tiles) tile.element.hidden = tile.model !== null && this.hiddenModels.has(tile.label);
    this.fit();
  }

  /** The largest tiles that all fit into the window, but never too small to see; then the grid scrolls. */
  fit() {
    const count = this.tiles.filter((tile) => !tile.element.hidden).length;
    const style = getComputedStyle(this.grid);
    const width = this.grid.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    const height = this.grid.clientHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom);
    const across = Math.max(2, Math.floor((width + TILE_GAP) / (SMALLEST_TILE + TILE_GAP)));
    let best = (width - TILE_GAP * (across - 1)) / across;
    for (let columns = 1; columns <= count; columns += 1) {
      const side = (width - TILE_GAP * (columns - 1)) / columns;
      const rows = Math.ceil(count / columns);
      best = Math.max(best, Math.min(side, (height - TILE_GAP * (rows - 1)) / rows - CAPTION_HEIGHT));
    }
    this.grid.style.setProperty('--tile', `${Math.floor(best)}px`);
  }

  /** Views that this clip has. */
  views() {
    const difference = this.clip.hasDriving && this.table.task === 'reconstruction' && this.tiles.some((tile) => tile.canvas);
    const has = { videos: true, difference, amplified: difference, flow: this.tiles.some((tile) => tile.flow) };
    return Object.entries(VIEWS).filter(([name]) => has[name]);
  }

  controls() {
    const button = (sign, label, onclick) => element('button', { type: 'button', 'aria-label': label, title: label, onclick }, icon(sign));
    const views = this.views();
    if (!views.some(([name]) => name === this.settings.view)) this.settings.view = 'videos';
    this.playButton = button('play', 'Play (space)', () => this.playback?.toggle());
    this.playButton.classList.add('primary');
    this.scrubber = element('input', { type: 'range', class: 'scrubber', min: 0, max: Math.max(0, this.clip.frames - 1), value: 0, step: 1,
      'aria-label': 'Frame', oninput: () => this.playback?.scrub(Number(this.scrubber.value)) });
    this.counter = element('output', { class: 'counter' });
    this.speedChoice = choice('Speed', SPEEDS.map((speed) => [speed, `${speed}×`]), this.settings.speed, (value) => this.setSpeed(Number(value)));
    this.viewChoice = choice('View', views, this.settings.view, (value) => this.setView(value));
    this.viewChoice.hidden = views.length < 2;
    this.loopBox = element('input', { type: 'checkbox', checked: this.settings.loop, onchange: () => this.setLoop(this.loopBox.checked) });
    return element('div', { class: 'player-controls' }, element('div', { class: 'scrub-line' }, this.scrubber, this.counter),
      element('div', { class: 'button-line' }, button('back', 'A frame back (comma)', () => this.playback?.step(-1)), this.playButton,
        button('forth', 'A frame forth (full stop)', () => this.playback?.step(1)), this.speedChoice, this.viewChoice,
        element('label', { class: 'check' }, this.loopBox, 'Loop')));
  }

  /** Give the videos their files, only now, and start when all are there. */
  async load() {
    const tiles = this.tiles.filter((tile) => tile.video);
    if (!tiles.length) {
      this.grid.append(element('p', { class: 'nothing' }, 'There are no videos of this clip: evaluate again with another --name to see them.'));
      for (const control of this.dialog.querySelectorAll('.player-controls button, .player-controls input, .player-controls select')) control.disabled = true;
      this.dialog.querySelector('[aria-label^="Close"]').focus();
      return;
    }
    const playback = new Playback(tiles.map((tile) => tile.video), this.clip, () => this.update());
    Object.assign(playback, { speed: this.settings.speed, loop: this.settings.loop });
    this.playback = playback;
    this.update();
    this.markFlowless();
    await this.fill(tiles);
    if (this.playback !== playback) return;
    this.markBroken();
    await playback.show(0);
    if (this.playback === playback && !matchMedia('(prefers-reduced-motion: reduce)').matches) playback.play();
  }

  /** Load what the view shows in each tile; settles when every video has its first frame or an error. */
  fill(tiles) {
    return Promise.all(tiles.map((tile) => new Promise((resolve) => {
      const file = this.settings.view === 'flow' && tile.flow ? tile.flow : tile.file;
      if (tile.video.getAttribute('src') === file) return resolve();
      tile.element.classList.remove('broken');
      for (const name of ['loadeddata', 'error']) tile.video.addEventListener(name, resolve, { once: true });
      tile.video.preload = 'auto';
      tile.video.src = file;
    })));
  }

  /** Say of models without a flow that their video is shown still. */
  markFlowless() {
    for (const tile of this.tiles) tile.element.classList.toggle('flowless', this.settings.view === 'flow' && tile.model !== null && !tile.flow);
  }

  markBroken() {
    for (const tile of this.tiles.filter((each) => each.video?.error)) tile.element.classList.add('broken');
  }

  setSpeed(speed) {
    this.settings.speed = speed;
    this.speedChoice.querySelector('select').value = String(speed);
    this.playback?.setSpeed(speed);
  }

  setLoop(loop) {
    this.settings.loop = this.loopBox.checked = loop;
    if (this.playback) this.playback.loop = loop;
  }

  async setView(view) {
    this.settings.view = view;
    this.markFlowless();
    this.viewChoice.querySelector('select').value = view;
    const { playback } = this;
    if (!playback) return;
    playback.stop();
    await this.fill(this.tiles.filter((tile) => tile.video));
    if (this.playback === playback) playback.show(playback.frame);
  }

  /** Draw what the state of the playback says. */
  update() {
    const { playback } = this;
    if (!playback) return;
    this.scrubber.value = playback.frame;
    this.scrubber.setAttribute('aria-valuetext', `frame ${playback.frame + 1} of ${playback.frames}`);
    this.counter.textContent = `${playback.frame + 1} / ${playback.frames}`;
    const label = playback.playing ? 'Pause (space)' : 'Play (space)';
    if (this.playButton.getAttribute('aria-label') !== label) {
      this.playButton.setAttribute('aria-label', label);
      this.playButton.title = label;
      this.playButton.replaceChildren(icon(playback.playing ? 'pause' : 'play'));
    }
    this.drawDifferences();
  }

  drawDifferences() {
    const on = this.settings.view === 'difference' || this.settings.view === 'amplified';
    const driving = this.tiles.find((tile) => tile.model === null && tile.video)?.video;
    for (const { canvas, video, element: figure } of this.tiles) {
      if (!canvas) continue;
      canvas.hidden = !on;
      if (!on || figure.hidden || !video.videoWidth || !driving?.videoWidth) continue;
      if (canvas.width !== video.videoWidth) [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
      canvas.classList.toggle('amplified', this.settings.view === 'amplified');
      const context = canvas.getContext('2d');
      context.globalCompositeOperation = 'source-over';
      context.drawImage(video, 0, 0);
      context.globalCompositeOperation = 'difference';
      context.drawImage(driving, 0, 0, canvas.width, canvas.height);
    }
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.playback) return;
    const target = event.target;
    if (target.matches('select') || (event.key === ' ' && target.matches('button, input[type=checkbox]'))) return;
    if (target === this.scrubber && event.key.startsWith('Arrow')) return;
    const { speed, loop, view } = this.settings;
    const views = this.views().map(([name]) => name);
    const actions = {
      ' ': () => this.playback.toggle(),
      ',': () => this.playback.step(-1),
      '.': () => this.playback.step(1),
      ArrowLeft: () => this.playback.scrub(this.playback.frame - 10),
      ArrowRight: () => this.playback.scrub(this.playback.frame + 10),
      ArrowUp: () => this.setSpeed(SPEEDS[Math.min(SPEEDS.length - 1, SPEEDS.indexOf(speed) + 1)]),
      ArrowDown: () => this.setSpeed(SPEEDS[Math.max(0, SPEEDS.indexOf(speed) - 1)]),
      Home: () => this.playback.scrub(0),
      End: () => this.playback.scrub(this.playback.frames - 1),
      l: () => this.setLoop(!loop),
      d: () => this.setView(views[(views.indexOf(view) + 1) % views.length]),
      n: () => this.turn(1),
      p: () => this.turn(-1),
    };
    const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!action) return;
    event.preventDefault();
    action();
  }

  release() {
    this.playback?.close();
    this.playback = null;
  }
}
