// A contact sheet: a page of thumbnails, by mouse and keyboard. What is turned to or opened is
// asked of the server. Text from files is set as text, never as HTML.

const SVG = 'http://www.w3.org/2000/svg';
const SHAPES = { // as on the map: filled diamond, filled circle, small hollow circle
  bad: 'M6 .5 11.5 6 6 11.5.5 6z',
  good: 'M6 1.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9z',
  unknown: 'M6 2.75a3.25 3.25 0 1 1 0 6.5 3.25 3.25 0 0 1 0-6.5z',
};
const SIZES = {small: 'S', medium: 'M', large: 'L'};
const PATIENCE = 20_000; // milliseconds that a sheet looks as if it waited

const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
};

const mark = state => {
  const known = Object.hasOwn(SHAPES, state) ? state : 'unknown';
  const svg = document.createElementNS(SVG, 'svg');
  const path = document.createElementNS(SVG, 'path');
  for (const [name, value] of [['viewBox', '0 0 12 12'], ['width', 12], ['height', 12],
    ['aria-hidden', 'true']]) svg.setAttribute(name, value);
  path.setAttribute('d', SHAPES[known]);
  path.setAttribute('class', `mark-${known}`);
  svg.append(path);
  return svg;
};

// An <img> does not say why it failed: ask again, for the sentence that came instead.
const askWhy = async url => {
  try {
    const answer = await fetch(url, {credentials: 'same-origin'});
    const kind = answer.headers.get('Content-Type') || '';
    const text = kind.startsWith('text/plain') && answer.status !== 500 ? await answer.text() : '';
    return text.trim().slice(0, 200) || `The server cannot show it (error ${answer.status}).`;
  } catch {
    return 'The server did not answer.';
  }
};

// Per key of a montage, while the page is open: the size of its tiles, and the tile to go to
// once the page that was turned to is there.
const memory = new Map();

class Montage {
  constructor(parent) {
    this.parent = parent;
    this.sheet = make('ul', {class: 'sheet', 'aria-label': 'Contact sheet'});
    this.empty = make('div', {class: 'empty', hidden: ''}, 'No X-rays match. Widen the filters.');
    this.spoken = make('div', {class: 'spoken', 'aria-live': 'polite'});
    this.element = make('div', {class: 'cxr-montage', role: 'group', 'aria-label': 'Montage'});
    this.element.append(this.makeBar(), this.sheet, this.empty, this.makeFoot(), this.spoken);
    this.sheet.addEventListener('keydown', event => this.press(event));
    this.sheet.addEventListener('click', event => {
      const tile = event.target.closest('.tile');
      if (tile) this.open(tile);
    });
    this.sheet.addEventListener('focusin', event => this.reach(event.target.closest('.tile')));
    parent.append(this.element);
    // The open image takes room from the sheet: what was clicked must not leave the screen.
    this.observer = new ResizeObserver(() => this.keepInSight());
    this.observer.observe(this.sheet);
  }

  keepInSight() {
    const width = this.sheet.clientWidth;
    if (width === this.width) return;
    const isFirst = this.width === undefined;
    this.width = width;
    const tile = this.parent.activeElement?.closest('.tile')
      || this.tiles.find(other => other.getAttribute('aria-pressed') === 'true');
    if (!isFirst && width) tile?.scrollIntoView({block: 'nearest'});
  }

  show(component) {
    this.component = component;
    const before = this.data;
    this.data = component.data;
    this.kept = memory.get(this.data.key) || {size: 'medium', goal: null};
    memory.set(this.data.key, this.kept);
    this.settle();
    const names = ({tiles, sheet}) => JSON.stringify([sheet, tiles.map(tile => tile.id)]);
    if (!before || names(before) !== names(this.data)) this.makeTiles();
    else if (JSON.stringify(before.tiles) !== JSON.stringify(this.data.tiles)) this.refresh();
    this.redraw();
    this.goOn();
    if (before && this.data.opened !== null && this.data.opened !== before.opened) this.showOpened();
  }

  // In one column the open image stands above the sheet, and may be off the screen.
  showOpened() {
    const place = this.parent.getRootNode().host?.closest('[class*="st-key-cxr_montage_"]');
    const find = () => place?.querySelector('.cxr-montage-open')
      ?.closest('[data-testid="stColumn"]');
    const inOneColumn = matchMedia('(max-width: 900px)').matches;
    if (inOneColumn) setTimeout(() => find()?.scrollIntoView({block: 'start'}), 400);
  }

  // -- asking the server

  ask(wish) {
    this.component.setTriggerValue('asked', {sheet: this.data.sheet, ...wish});
  }

  turn(page, goal = null) {
    const number = Math.min(Math.max(page, 1), this.data.nPages);
    if (number === this.data.page) return;
    this.kept.goal = {page: number, place: goal};
    this.sheet.classList.add('waiting');
    this.sheet.setAttribute('aria-busy', 'true');
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.settle(), PATIENCE);
    this.ask({page: number});
  }

  settle() {
    clearTimeout(this.waiting);
    this.sheet.classList.remove('waiting');
    this.sheet.removeAttribute('aria-busy');
  }

  open(tile) {
    const id = this.data.tiles[this.tiles.indexOf(tile)].id;
    this.ask({opened: id === this.data.opened ? null : id});
  }

  // -- the tiles of a page

  makeTiles() {
    this.tiles = this.data.tiles.map(tile => this.makeTile(tile));
    this.sheet.replaceChildren(...this.tiles.map(tile => make('li', {}, tile)));
    const opened = this.data.tiles.findIndex(tile => tile.id === this.data.opened);
    this.reach(this.tiles[Math.max(opened, 0)]);
  }

  makeTile({url, alt, patient, day, view, state, words}) {
    const ground = make('div', {class: 'ground'});
    if (url) ground.append(this.makeImage(url, ground));
    else ground.append(make('span', {class: 'words'}, words));
    const word = text => make('span', {class: 'tag-word'}, text);
    const tags = make('div', {class: 'tags', 'aria-hidden': 'true'},
      make('span', {class: 'patient'}, word('Patient '), patient),
      make('span', {}, view),
      make('span', {class: 'state'}, mark(state)),
      make('span', {}, word('day '), day));
    const label = words ? `${alt}. ${words}` : alt;
    return make('button', {type: 'button', class: 'tile', tabindex: '-1', title: label,
      'aria-label': label}, ground, tags);
  }

  makeImage(url, ground) {
    // Only what is in sight is loaded; before, it has no size of its own.
    const image = make('img', {alt: '', loading: 'lazy', decoding: 'async', draggable: 'false'});
    image.onerror = async () => {
      const why = await askWhy(url);
      if (ground.contains(image)) ground.replaceChildren(make('span', {class: 'words'}, why));
    };
    image.src = url;
    return image;
  }

  // The same images at new addresses: one that is there stays, one that failed is tried again.
  refresh() {
    this.data.tiles.forEach(({url}, i) => {
      const ground = this.tiles[i].querySelector('.ground');
      const image = ground.querySelector('img');
      if (url && !(image?.complete && image.naturalWidth)) {
        ground.replaceChildren(this.makeImage(url, ground));
      }
    });
  }

  // One stop of the Tab key for the sheet; arrows move within it.
  reach(tile) {
    if (!tile) return;
    for (const other of this.tiles) other.tabIndex = other === tile ? 0 : -1;
  }

  goOn() {
    const goal = this.kept.goal;
    if (!goal || goal.page !== this.data.page) return;
    this.kept.goal = null;
    this.spoken.textContent = this.describe();
    const tile = goal.place === 'last' ? this.tiles.at(-1) : this.tiles[goal.place ?? -1];
    if (tile) tile.focus();
    else if (goal.place === null) this.bringUp();
  }

  // Turned by the buttons below the sheet: the new page is read from its top.
  bringUp() {
    if (this.element.getBoundingClientRect().top < 0) this.element.scrollIntoView({block: 'start'});
  }

  // -- keys

  press(event) {
    const {ctrlKey, metaKey, altKey, shiftKey, key} = event;
    const at = this.tiles.indexOf(event.target.closest('.tile'));
    if (ctrlKey || metaKey || altKey || shiftKey || at < 0) return;
    const act = {
      ArrowRight: () => this.move(at + 1),
      ArrowLeft: () => this.move(at - 1),
      ArrowDown: () => this.move(at + this.across(), at),
      ArrowUp: () => this.move(at - this.across(), at),
      Home: () => this.move(0),
      End: () => this.move(this.tiles.length - 1),
      PageDown: () => this.turn(this.data.page + 1, 0),
      PageUp: () => this.turn(this.data.page - 1, 0),
      Escape: () => { if (this.data.opened !== null) this.ask({opened: null}); },
    }[key];
    if (!act) return;
    act();
    event.preventDefault();
    event.stopPropagation(); // Streamlit has letters of its own
  }

  // To a tile, or over the edge to the next page or the one before.
  move(to, from = to) {
    const n = this.tiles.length;
    if (to >= 0 && to < n) this.tiles[to].focus();
    else if (to < 0) this.turn(this.data.page - 1, 'last');
    else if (this.isLastRow(from, n)) this.turn(this.data.page + 1, 0);
    else this.tiles[n - 1].focus();
  }

  isLastRow(place, n) {
    const across = this.across();
    return Math.floor(Math.min(place, n - 1) / across) === Math.floor((n - 1) / across);
  }

  across() {
    const top = this.tiles[0].offsetTop;
    const second = this.tiles.findIndex(tile => tile.offsetTop !== top);
    return second < 0 ? this.tiles.length : second;
  }

  // -- the bar

  makeBar() {
    const group = (label, name, ...parts) => make(
      'div', {class: `set ${name}`, role: 'group', 'aria-label': label}, ...parts,
    );
    this.count = make('span', {class: 'count'});
    this.orders = make('select', {'aria-label': 'Order'});
    this.orders.addEventListener('change', () => this.ask({order: this.orders.value, page: 1}));
    this.sizes = Object.entries(SIZES).map(([size, letter]) => {
      const button = make('button', {type: 'button', 'aria-label': `${size} images`,
        title: `${size} images`, 'data-size': size}, letter);
      button.addEventListener('click', () => { this.kept.size = size; this.redraw(); });
      return button;
    });
    this.legend = make('div', {class: 'set legend', role: 'group', 'aria-label': 'State'});
    this.back = this.makeButton('Go to the open image', 'Go to the open image', () => {
      this.turn(this.data.openedPage);
    });
    this.bar = make('div', {class: 'bar'}, this.count,
      make('label', {class: 'set'}, 'Order', this.orders),
      group('Size', 'sizes', ...this.sizes),
      this.legend,
      this.back, this.makePages());
    return this.bar;
  }

  makeButton(label, text, act) {
    const button = make('button', {type: 'button', 'aria-label': label, title: label}, text);
    button.addEventListener('click', act);
    return button;
  }

  makePages() {
    const number = make('input', {type: 'number', min: '1', step: '1', 'aria-label': 'Page'});
    number.addEventListener('change', () => {
      const page = Math.round(Number(number.value));
      if (page >= 1) this.turn(page);
      this.redraw();
    });
    const of = make('span');
    const first = this.makeButton('First page', '«', () => this.turn(1));
    const before = this.makeButton('Previous page', '‹', () => this.turn(this.data.page - 1));
    const next = this.makeButton('Next page', '›', () => this.turn(this.data.page + 1));
    const last = this.makeButton('Last page', '»', () => this.turn(this.data.nPages));
    const set = make('div', {class: 'set pages', role: 'group', 'aria-label': 'Pages'},
      first, before, number, of, next, last);
    (this.pages ||= []).push({set, number, of, first, before, next, last});
    return set;
  }

  // A reader who has come to the end of a page turns it there.
  makeFoot() {
    this.foot = make('div', {class: 'bar foot'}, this.makePages());
    return this.foot;
  }

  describe() {
    const {first, last, nImages} = this.data;
    const text = value => value.toLocaleString('en-GB');
    if (!nImages) return 'No X-rays';
    return `X-rays ${text(first)}–${text(last)} of ${text(nImages)}`;
  }

  redraw() {
    const {data} = this;
    const {page, nPages, order, orders, states, opened, openedPage} = data;
    this.count.textContent = this.describe();
    this.sheet.className = `sheet ${this.kept.size}${this.sheet.classList.contains('waiting')
      ? ' waiting' : ''}`;
    for (const button of this.sizes) {
      button.setAttribute('aria-pressed', String(button.dataset.size === this.kept.size));
    }
    if (this.orders.length !== Object.keys(orders).length) {
      this.orders.replaceChildren(...Object.entries(orders).map(
        ([name, words]) => make('option', {value: name}, words),
      ));
    }
    this.legend.replaceChildren(...Object.entries(states).map(
      ([state, words]) => make('span', {}, mark(state), words),
    ));
    this.orders.value = order;
    this.tiles.forEach((tile, i) => {
      tile.setAttribute('aria-pressed', String(data.tiles[i].id === opened));
    });
    for (const {set, number, of, first, before, next, last} of this.pages) {
      set.hidden = nPages < 2;
      number.max = nPages;
      number.value = page;
      of.textContent = `of ${nPages.toLocaleString('en-GB')}`;
      first.disabled = before.disabled = page <= 1;
      next.disabled = last.disabled = page >= nPages;
    }
    this.back.hidden = opened === null || openedPage === page;
    this.sheet.hidden = !data.tiles.length;
    this.foot.hidden = nPages < 2;
    this.empty.hidden = Boolean(data.tiles.length);
  }

  remove() {
    clearTimeout(this.waiting);
    this.observer.disconnect();
    this.element.remove();
  }
}

const montages = new WeakMap();

export default function (component) {
  const {parentElement} = component;
  if (!montages.has(parentElement)) montages.set(parentElement, new Montage(parentElement));
  const montage = montages.get(parentElement);
  montage.show(component);
  return () => {
    montage.remove();
    montages.delete(parentElement);
  };
}
