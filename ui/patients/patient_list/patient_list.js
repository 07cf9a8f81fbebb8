// A list of patients: found, sorted and scrolled here, the one to show asked of the server.
// Text from files is set as text, never as HTML.

const SVG = 'http://www.w3.org/2000/svg';
const LINE = 28; // pixels of a line, as in the style
const SPARE = 8; // lines drawn above and below those in sight
const QUIET = 160; // milliseconds between two wishes: of keys held down, the last one counts
const PATIENCE = 20_000; // milliseconds that a wish is shown as if it were granted
const NONE = '–';
const BLANK = 'not recorded';

const SHAPES = { // as of the states: filled diamond, filled circle, small hollow circle
  died: 'M6 .5 11.5 6 6 11.5.5 6z',
  survived: 'M6 1.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9z',
  unclear: 'M6 2.75a3.25 3.25 0 1 1 0 6.5 3.25 3.25 0 0 1 0-6.5z',
  flag: 'M6 1 11.5 11H.5z',
};
const OUTCOMES = ['died', 'survived', 'unclear'];

// Orders: what is compared, and which end comes first.
const ORDERS = {
  patient: {words: 'patient', by: (list, i) => i, falls: false},
  images: {words: 'images', by: (list, i) => list.n_images[i], falls: true},
  days: {words: 'days spanned', by: (list, i) => list.days_spanned[i], falls: true},
  views: {words: 'views', by: (list, i) => list.ranks.views[i], falls: false},
  region: {words: 'region', by: (list, i) => list.ranks.region[i], falls: false},
  outcome: {words: 'outcome', by: (list, i) => rankOutcome(list.text('outcome', i)), falls: false},
  flags: {words: 'errors and warnings', by: (list, i) => list.flags(i), falls: true},
};

const rankOutcome = outcome => {
  const rank = OUTCOMES.indexOf(outcome);
  return rank < 0 ? null : rank;
};

const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
};

const mark = name => {
  const svg = document.createElementNS(SVG, 'svg');
  const path = document.createElementNS(SVG, 'path');
  for (const [key, value] of [['viewBox', '0 0 12 12'], ['width', 11], ['height', 11],
    ['class', `mark ${name}`], ['aria-hidden', 'true']]) svg.setAttribute(key, value);
  path.setAttribute('d', SHAPES[name]);
  svg.append(path);
  return svg;
};

const TURNED = /^[^\p{L}]*[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/u; // written right to left

const fold = text => text.normalize('NFKC').toLowerCase();
const count = (n, one, many = `${one}s`) => `${n.toLocaleString('en-GB')} ${n === 1 ? one : many}`;
const number = value => value.toLocaleString('en-GB', {maximumFractionDigits: 1});
const day = value => `day ${number(value).replace('-', '−')}`;
// In a sentence, text of another direction must not turn what stands around it.
const apart = text => `\u2068${text}\u2069`;

// ---- the lines, as the server packed them

class Lines {
  constructor(columns) {
    Object.assign(this, columns);
    this.n = this.patient_id.length;
    this.places = new Map(this.patient_id.map((id, i) => [id, i]));
    this.ranks = {views: this.rank('views'), region: this.rank('region')};
    this.orders = {};
  }

  // The numbers of texts, in the order of the alphabet; what is not recorded has none.
  rank(column) {
    const {codes, names} = this[column];
    const sorted = names.map((name, code) => code)
      .sort((a, b) => names[a].localeCompare(names[b], 'en', {numeric: true}));
    const ranks = [];
    sorted.forEach((code, rank) => {
      ranks[code] = [BLANK, 'Unknown'].includes(names[code]) ? null : rank;
    });
    return codes.map(code => ranks[code]);
  }

  text(column, i) { return this[column].names[this[column].codes[i]]; }

  // Errors and warnings; notes are of nearly every image. Null where nobody looked.
  flags(i) {
    return this.n_errors[i] === null ? null : this.n_errors[i] + this.n_warnings[i];
  }

  others(i) { return this.shares_person_with[i] || []; }

  order(name, falls) {
    const key = `${name} ${falls}`;
    if (this.orders[key]) return this.orders[key];
    const {by} = ORDERS[name];
    const values = this.patient_id.map((id, i) => by(this, i));
    const places = values.map((value, i) => i);
    const sign = falls ? -1 : 1;
    places.sort((a, b) => { // not recorded comes last in either direction
      if (values[a] === null || values[b] === null) {
        return (values[a] === null) - (values[b] === null) || a - b;
      }
      return sign * (values[a] - values[b]) || a - b;
    });
    this.orders[key] = places;
    return places;
  }

  // What is looked through, made at the first search.
  get texts() {
    this.made ||= this.patient_id.map((id, i) => fold([
      id, ...this.others(i), this.text('finding', i), this.text('country', i),
      this.text('region', i), this.text('views', i), this.text('outcome', i),
      {M: 'male', F: 'female'}[this.text('sex', i)] || '',
      this.text('went_icu', i) === 'yes' ? 'ICU' : '',
      this.text('intubated', i) === 'yes' ? 'intubated' : '',
      this.n_with_file[i] ? '' : 'no file',
    ].join('\n')));
    return this.made;
  }

  find(search, order) {
    const words = fold(search).split(/\s+/).filter(Boolean);
    if (!words.length) return order;
    const found = order.filter(i => words.every(word => this.texts[i].includes(word)));
    // "19" also stands in "COVID-19": the patient of that id comes first.
    const exact = found.findIndex(i => fold(this.patient_id[i]) === fold(search.trim()));
    if (exact > 0) found.unshift(...found.splice(exact, 1));
    return found;
  }

  describe(i) {
    const parts = [this.describeImages(i), this.describeDays(i)];
    const finding = this.text('finding', i);
    const place = [this.text('country', i), this.text('region', i)]
      .filter(name => name !== 'Unknown' && name !== BLANK);
    if (this.age[i] !== null) parts.push(`${number(Math.floor(this.age[i]))} years`);
    parts.push(`finding ${apart(finding)}`);
    parts.push(place.length ? apart(place.join(', ')) : 'country not recorded');
    parts.push(this.text('outcome', i) === BLANK ? 'outcome not recorded' : this.text('outcome', i));
    if (this.text('went_icu', i) === 'yes') parts.push('went to ICU');
    if (this.text('intubated', i) === 'yes') parts.push('was intubated');
    if (this.flags(i) !== null) parts.push(this.describeFlags(i));
    const differs = this.differs[i];
    if (differs) parts.push(`differs between images: ${differs.join(', ').replaceAll('_', ' ')}`);
    const others = this.others(i).map(apart);
    const same = others.length ? ` (same person as ${others.join(' and ')})` : '';
    return `Patient ${apart(this.patient_id[i])}${same}: ${parts.join('; ')}`;
  }

  describeImages(i) {
    const {n_images: all, n_kept: kept, n_with_file: there} = this;
    const parts = [count(all[i], 'image'), apart(this.text('views', i))];
    if (kept[i] < all[i]) parts.push(`${number(kept[i])} match the filters`);
    if (there[i] < all[i]) parts.push(`${there[i] ? number(there[i]) : 'none'} with a readable file`);
    return parts.join(', ');
  }

  describeDays(i) {
    const span = this.days_spanned[i];
    if (span === null) return 'no day recorded';
    const undated = this.n_undated[i] ? `, ${number(this.n_undated[i])} without a day` : '';
    const from = `${day(this.first_day[i])}`;
    const words = span ? `${from} to ${day(this.first_day[i] + span)}` : `only ${from}`;
    return words + undated;
  }

  describeFlags(i) {
    const errors = count(this.n_errors[i], 'error');
    return `flags: ${errors}, ${count(this.n_warnings[i], 'warning')}`;
  }
}

// Shared by all that this code is loaded for: the lines come in one message, the rest in another.
const shared = globalThis[Symbol.for('cxr patient lists')] ||= {
  lines: new Map(), // by name
  lists: new Set(),
  memory: new Map(), // search, order and place, by key, while the page is open
};

const keepLines = packed => {
  const text = new TextDecoder();
  const name = text.decode(packed.subarray(0, 16));
  if (shared.lines.has(name)) return;
  if (shared.lines.size > 3) shared.lines.delete(shared.lines.keys().next().value);
  shared.lines.set(name, new Lines(JSON.parse(text.decode(packed.subarray(16)))));
  for (const list of shared.lists) list.refresh();
};

// ---- the list

class PatientList {
  constructor(parent) {
    this.parent = parent;
    this.drawn = new Map(); // place in the list -> line
    this.found = [];
    this.element = make('div', {class: 'cxr-patients', role: 'group', 'aria-label': 'Patients'});
    this.element.append(this.makeSearch(), this.makeSuggested(), this.makeSteps(),
      this.makeHead(), this.makeBox(), this.makeFoot());
    parent.append(this.element);
    this.onKey = event => this.pressAnywhere(event);
    document.addEventListener('keydown', this.onKey);
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(this.box);
    shared.lists.add(this);
  }

  remove() {
    document.removeEventListener('keydown', this.onKey);
    this.observer.disconnect();
    clearTimeout(this.asking);
    clearTimeout(this.hoping);
    shared.lists.delete(this);
    this.element.remove();
  }

  // -- parts

  makeSearch() {
    this.search = make('input', {type: 'search', 'aria-label': 'Find patients',
      placeholder: 'Find by id, finding, country, view', autocomplete: 'off', spellcheck: 'false',
      title: 'All words must match. Enter shows the highlighted patient.'});
    this.search.addEventListener('input', () => {
      this.kept.search = this.search.value;
      this.kept.top = 0;
      this.seek();
      this.active = this.found.length && this.search.value ? 0 : this.found.indexOf(this.place());
      this.scroll(this.active < 0 ? 0 : this.active);
    });
    this.search.addEventListener('keydown', event => this.press(event));
    this.orders = make('select', {}, ...Object.entries(ORDERS).map(
      ([name, {words}]) => make('option', {value: name}, words),
    ));
    this.orders.addEventListener('change', () => this.sort(this.orders.value, null));
    this.turn = this.makeButton('turn', 'Reverse the order', () => {
      this.sort(this.kept.order, !this.kept.falls);
    });
    return make('div', {class: 'bar'}, this.search,
      make('label', {class: 'sort'}, 'Sort by', this.orders), this.turn);
  }

  makeButton(name, title, act, ...children) {
    const button = make('button', {type: 'button', class: name, title, 'aria-label': title},
      ...children);
    button.addEventListener('click', act);
    return button;
  }

  makeSuggested() {
    this.suggested = make('div', {class: 'bar suggested', role: 'group',
      'aria-label': 'Patients shown in the paper'});
    return this.suggested;
  }

  makeSteps() {
    this.number = make('span', {class: 'number', role: 'status'});
    this.before = this.makeButton('step', 'Previous patient (key p)', () => this.step(-1),
      '‹ Previous');
    this.next = this.makeButton('step', 'Next patient (key n)', () => this.step(1), 'Next ›');
    this.before.setAttribute('aria-keyshortcuts', 'p k');
    this.next.setAttribute('aria-keyshortcuts', 'n j');
    return make('div', {class: 'bar'}, this.number, this.before, this.next);
  }

  // For the mouse; by key the same is in the choice above.
  makeHead() {
    const heads = {
      patient: ['Patient', 'Id as recorded; "= 178" means same person as patient 178'],
      images: ['Images', 'X-rays; "3/12" means 3 of 12 match the filters'],
      days: ['Days', 'Days from the first to the last dated image'],
      views: ['Views', 'Views, most images first'],
      outcome: ['Outcome', 'Died or survived, as recorded (no date)'],
      region: ['Region', 'Region of the world'],
      finding: ['Finding', 'Finding as first recorded'],
      flags: ['Warn.', 'Errors and warnings of the quality checks, without notes'],
    };
    this.heads = Object.entries(heads).map(([name, [words, title]]) => {
      const head = make('span', {class: name, title}, make('span', {}, words));
      if (name in ORDERS) head.addEventListener('click', () => this.sort(name, null));
      return [name, head];
    });
    this.head = make('div', {class: 'head line', 'aria-hidden': 'true'},
      ...this.heads.map(([, head]) => head));
    return this.head;
  }

  makeBox() {
    this.lines = make('div', {class: 'lines', role: 'presentation'});
    this.none = make('div', {class: 'foot none', hidden: ''});
    this.box = make('div', {class: 'box', role: 'listbox', tabindex: '0',
      'aria-label': 'Patients', 'aria-describedby': 'help'}, this.lines);
    this.box.addEventListener('scroll', () => {
      this.kept.top = this.box.scrollTop;
      cancelAnimationFrame(this.frame);
      this.frame = requestAnimationFrame(() => this.draw());
    });
    this.box.addEventListener('keydown', event => this.press(event));
    this.box.addEventListener('focus', () => this.draw());
    this.lines.addEventListener('click', event => {
      const line = event.target.closest('.line');
      if (line) this.choose(Number(line.dataset.at));
    });
    this.foot = make('div', {class: 'foot', hidden: ''});
    return make('div', {class: 'frame'}, this.box, this.none, this.foot);
  }

  makeFoot() {
    this.spoken = make('div', {class: 'spoken', 'aria-live': 'polite'});
    this.help = make('div', {class: 'spoken', id: 'help'},
      'Arrows, Home, End and Page keys move; Enter shows the patient.');
    return make('div', {}, this.help, this.spoken);
  }

  // -- what the server says

  show(component) {
    this.component = component;
    const before = this.data;
    this.data = component.data;
    this.kept = shared.memory.get(this.data.key)
      || {search: '', order: 'patient', falls: false, top: null};
    shared.memory.set(this.data.key, this.kept);
    if (this.wanted === this.data.chosen) this.wanted = undefined;
    this.element.style.setProperty('--height', `${this.data.height}px`);
    if (!before || before.lines !== this.data.lines) this.refresh();
    else if (before.chosen !== this.data.chosen && this.wanted === undefined) this.reveal();
    this.describe();
  }

  // Other lines: the search and the order stay.
  refresh() {
    const list = shared.lines.get(this.data?.lines);
    if (!list || list === this.list) return;
    const isFirst = !this.list;
    this.list = list;
    if (document.activeElement !== this.search) this.search.value = this.kept.search;
    this.seek();
    this.active = this.found.indexOf(this.place());
    if (isFirst && this.kept.top !== null) this.box.scrollTop = this.kept.top;
    else if (this.active >= 0) this.scroll(this.active, isFirst);
    this.describe();
    this.draw();
  }

  get chosen() { return this.wanted === undefined ? this.data.chosen : this.wanted; }

  place() { return this.list?.places.get(this.chosen) ?? -1; }

  // -- finding and sorting

  sort(name, falls) {
    const same = name === this.kept.order;
    this.kept.falls = falls ?? (same ? !this.kept.falls : ORDERS[name].falls);
    this.kept.order = name;
    this.seek();
    this.active = this.found.indexOf(this.place());
    this.scroll(Math.max(this.active, 0), true);
  }

  seek() {
    if (!this.list) return;
    const {search, order, falls} = this.kept;
    this.ordered = this.list.order(order, falls);
    this.found = this.list.find(search, this.ordered);
    this.lines.style.height = `${this.found.length * LINE}px`;
    this.lines.replaceChildren();
    this.drawn.clear();
    this.describe();
    this.draw();
  }

  // -- choosing

  choose(at) {
    const i = this.found[at];
    if (i === undefined) return;
    this.active = at;
    const id = this.list.patient_id[i];
    if (id !== this.chosen) this.ask(id);
    this.scroll(at);
    this.describe();
  }

  // Shown at once, asked for when keys have come to rest.
  ask(id) {
    this.wanted = id;
    clearTimeout(this.asking);
    clearTimeout(this.hoping);
    const wait = Math.max(0, QUIET - (performance.now() - (this.asked ?? -QUIET)));
    this.asked = performance.now();
    this.asking = setTimeout(() => {
      this.component.setTriggerValue('asked', {id});
    }, wait);
    this.hoping = setTimeout(() => {
      this.wanted = undefined;
      this.reveal();
    }, PATIENCE);
  }

  step(by) {
    const at = this.neighbour(by);
    if (at === null) return;
    this.choose(at);
    const i = this.found[at];
    this.spoken.textContent =
      `Patient ${this.list.patient_id[i]}, ${number(at + 1)} of ${number(this.found.length)}`;
  }

  // Where next or previous leads: from a patient that the search leaves out, to the nearest found.
  neighbour(by) {
    if (!this.list || !this.found.length) return null;
    const place = this.place();
    const at = this.found.indexOf(place);
    if (at >= 0) return at + by >= 0 && at + by < this.found.length ? at + by : null;
    const own = this.ordered.indexOf(place);
    if (own < 0) return by > 0 ? 0 : this.found.length - 1;
    const behind = new Set(this.ordered.slice(own + 1));
    const after = this.found.findIndex(i => behind.has(i));
    const next = by > 0 ? after : (after < 0 ? this.found.length : after) - 1;
    return next < 0 ? null : next;
  }

  // -- keys

  press(event) {
    const {key, ctrlKey, metaKey, altKey, shiftKey} = event;
    if (ctrlKey || metaKey || altKey || shiftKey || event.isComposing) return;
    const inSearch = event.currentTarget === this.search;
    const page = Math.max(1, Math.floor(this.box.clientHeight / LINE) - 1);
    const act = {
      ArrowDown: () => this.move(this.active + 1),
      ArrowUp: () => this.move(this.active - 1),
      PageDown: () => this.move(this.active + page),
      PageUp: () => this.move(this.active - page),
      Enter: () => this.choose(this.active),
      ...(inSearch ? {Escape: () => this.clear()} : {
        Home: () => this.move(0),
        End: () => this.move(this.found.length - 1),
        ' ': () => this.choose(this.active),
        '/': () => this.search.focus(),
      }),
    }[key];
    if (!act) return;
    act();
    event.preventDefault();
    event.stopPropagation(); // Streamlit has keys of its own
  }

  clear() {
    if (!this.search.value) return;
    this.search.value = '';
    this.search.dispatchEvent(new Event('input'));
  }

  move(to) {
    if (!this.found.length) return;
    this.active = Math.min(Math.max(to, 0), this.found.length - 1);
    this.scroll(this.active);
  }

  // n and p (or j and k) from anywhere on the page, but not while something is written.
  pressAnywhere(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey
      || event.shiftKey || event.repeat && performance.now() - this.asked < 40) return;
    const by = {n: 1, j: 1, p: -1, k: -1}[event.key];
    const at = event.composedPath()[0];
    const writes = at instanceof Element && at.closest(
      'input:not([type="checkbox"], [type="radio"], [type="range"], [type="button"]), textarea, '
      + 'select, [contenteditable]:not([contenteditable="false"]), [role="combobox"], '
      + '[role="textbox"]',
    );
    const isCovered = document.querySelector('[role="dialog"][aria-modal="true"]');
    if (!by || writes || isCovered || !this.element.getClientRects().length) return;
    event.preventDefault();
    this.step(by);
  }

  // -- drawing

  reveal() {
    this.active = this.found.indexOf(this.place());
    if (this.active >= 0) this.scroll(this.active);
    this.draw();
    this.describe();
  }

  // Into sight, by as little as is needed, or to the middle.
  scroll(at, toMiddle = false) {
    const {clientHeight, scrollTop} = this.box;
    const top = at * LINE;
    if (top >= scrollTop && top + LINE <= scrollTop + clientHeight) { /* in sight */ }
    else if (toMiddle) this.box.scrollTop = top - LINE * Math.floor(clientHeight / LINE / 2);
    else if (top < scrollTop) this.box.scrollTop = top;
    else this.box.scrollTop = top + LINE - clientHeight;
    this.draw();
  }

  draw() {
    if (!this.list) return;
    const {scrollTop, clientHeight, clientWidth, offsetWidth} = this.box;
    this.head.style.setProperty('--bar', `${offsetWidth - clientWidth}px`);
    const first = Math.max(0, Math.floor(scrollTop / LINE) - SPARE);
    const last = Math.min(this.found.length, Math.ceil((scrollTop + clientHeight) / LINE) + SPARE);
    const isWanted = at => at >= first && at < last || at === this.active;
    for (const [at, line] of this.drawn) {
      if (!isWanted(at)) {
        line.remove();
        this.drawn.delete(at);
      }
    }
    for (let at = first; at < last; at += 1) if (!this.drawn.has(at)) this.add(at);
    if (this.active >= 0 && this.active < this.found.length && !this.drawn.has(this.active)) {
      this.add(this.active);
    }
    this.markLines();
  }

  markLines() {
    const place = this.place();
    for (const [at, line] of this.drawn) {
      line.setAttribute('aria-selected', String(this.found[at] === place));
      line.classList.toggle('active', at === this.active);
    }
    if (this.drawn.has(this.active)) this.box.setAttribute('aria-activedescendant', `at${this.active}`);
    else this.box.removeAttribute('aria-activedescendant');
  }

  add(at) {
    const i = this.found[at];
    const line = make('div', {class: 'line', role: 'option', id: `at${at}`, 'data-at': at,
      'aria-posinset': at + 1, 'aria-setsize': this.found.length});
    line.style.top = `${at * LINE}px`;
    const words = this.list.describe(i);
    line.title = words;
    line.setAttribute('aria-label', words);
    line.append(...this.makeCells(i));
    this.lines.append(line);
    this.drawn.set(at, line);
  }

  makeCells(i) {
    const {list} = this;
    const cell = (name, ...content) => make('span', {class: name}, ...content);
    const text = (name, words) => (words === BLANK || words === 'Unknown'
      ? cell(`${name} blank`, NONE) : cell(name, words));
    const id = cell('patient', make('bdi', {}, list.patient_id[i]));
    id.dir = TURNED.test(list.patient_id[i]) ? 'rtl' : 'ltr'; // cut off at its own end
    const others = list.others(i);
    if (others.length) {
      const names = make('bdi', {class: 'more'}, others.join(' = '));
      id.append(make('span', {class: 'others'}, ' = ', names));
    }
    const {n_images: all, n_kept: kept, n_with_file: there} = list;
    const images = kept[i] < all[i] ? `${number(kept[i])}/${number(all[i])}` : number(all[i]);
    const span = list.days_spanned[i];
    const outcome = list.text('outcome', i);
    const flags = list.flags(i);
    return [
      id,
      cell(there[i] ? 'images' : 'images lacking', images),
      span === null ? cell('days blank', NONE) : cell('days', number(span)),
      this.makeViews(i),
      OUTCOMES.includes(outcome) ? cell('outcome', mark(outcome), outcome)
        : cell('outcome blank', NONE),
      text('region', list.text('region', i)),
      text('finding', list.text('finding', i)),
      flags === null ? cell('flags blank', NONE)
        : cell('flags', ...(list.n_errors[i] ? [mark('flag')] : []), number(flags)),
    ];
  }

  // With the numbers of images where there is room for them.
  makeViews(i) {
    const words = this.list.text('views', i);
    const cell = make('span', {class: words.startsWith(BLANK) ? 'views blank' : 'views'});
    words.split(', ').forEach((part, place) => {
      const space = part.lastIndexOf(' ');
      const name = part.slice(0, space).replace(BLANK, NONE);
      const [, before, rest] = name.match(/^(AP )?(.*)$/s); // short of room, "Supine" will do
      cell.append(place ? ', ' : '', make('span', {class: 'more'}, before || ''), rest,
        make('span', {class: 'more times'}, part.slice(space)));
    });
    return cell;
  }

  describe() {
    if (!this.list || !this.data) return;
    const {n} = this.list;
    const {length} = this.found;
    const words = length === n ? count(n, 'patient') : `${number(length)} of ${count(n, 'patient')}`;
    if (this.number.textContent !== words) this.number.textContent = words;
    this.orders.value = this.kept.order;
    const {falls} = this.kept;
    this.turn.textContent = falls ? '↓' : '↑';
    this.turn.title = falls ? 'Descending; click for ascending' : 'Ascending; click for descending';
    this.turn.setAttribute('aria-label', `Order: ${this.turn.title}`);
    this.element.dataset.order = this.kept.order;
    for (const [name, head] of this.heads) {
      head.classList.toggle('sorted', name === this.kept.order);
    }
    this.before.disabled = this.neighbour(-1) === null;
    this.next.disabled = this.neighbour(1) === null;
    this.describeSuggested();
    this.describeFoot();
    this.draw();
  }

  describeSuggested() {
    const {suggested} = this.data;
    const names = JSON.stringify(suggested);
    this.suggested.hidden = !suggested.some(([id]) => this.list.places.has(id));
    if (this.suggested.dataset.names !== names) {
      this.suggested.dataset.names = names;
      const buttons = suggested.map(([id, why]) => this.makeButton(
        'link', `Patient ${id}, ${why} of the paper`, () => this.jump(id), id,
      ));
      this.suggested.replaceChildren('In the paper', ...buttons);
    }
    [...this.suggested.children].forEach((button, place) => {
      const [id, why] = suggested[place];
      const isThere = this.list.places.has(id);
      button.disabled = !isThere;
      button.title = `Patient ${id}, ${why} of the paper${isThere ? '' : ': left out by the filters'}`;
      button.setAttribute('aria-pressed', String(id === this.chosen));
    });
  }

  // To a patient that the search may leave out: then it is taken back.
  jump(id) {
    const place = this.list.places.get(id);
    if (!this.found.includes(place)) this.clear();
    this.choose(this.found.indexOf(place));
    this.scroll(this.active, true);
  }

  // Why nobody is found, in place of the lines; why the chosen one is not there, after them.
  describeFoot() {
    const {chosen} = this;
    const place = this.place();
    const clear = () => this.makeButton('link', 'Clear the search', () => this.clear(),
      'Clear the search');
    this.none.hidden = this.found.length > 0;
    if (!this.list.n) this.none.replaceChildren('No patients match. Widen the filters.');
    else this.none.replaceChildren('No patient matches all words. ', clear());
    this.foot.hidden = chosen === null || this.found.length === 0 || this.found.includes(place);
    // Below the last line where few are found, else below the box.
    const end = this.found.length * LINE;
    this.foot.classList.toggle('within', end + 2 * LINE < this.box.clientHeight);
    this.foot.style.top = `${end}px`;
    const name = make('bdi', {}, chosen ?? '');
    if (place < 0) this.foot.replaceChildren('Patient ', name, ' is left out by the filters.');
    else this.foot.replaceChildren('Patient ', name, ' does not match the search. ', clear());
  }
}

const lists = new WeakMap();

export default function (component) {
  const {data, parentElement} = component;
  if (data instanceof Uint8Array) {
    keepLines(data);
    return undefined;
  }
  if (!lists.has(parentElement)) lists.set(parentElement, new PatientList(parentElement));
  const list = lists.get(parentElement);
  list.show(component);
  return () => {
    list.remove();
    lists.delete(parentElement);
  };
}
