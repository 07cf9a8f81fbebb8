// Let the keyboard into menus such as "Save". Streamlit puts what they hold at the end of the
// page, so that Tab from an open menu's button would lead past all of it.
const OPEN = '[data-testid="stPopoverButton"][aria-expanded="true"]';
const BODY = '[data-testid="stPopoverBody"]';
const STOPS = 'a[href], button, input, select, textarea, [tabindex]';

let opened; // the button of the menu that the keyboard went into

// While the focus is elsewhere an open menu's stops are taken out of the order, to be put back.
const isStop = element =>
  element.matches(STOPS) && !element.disabled && element.getClientRects().length > 0
  && Number(element.dataset.tabindex ?? element.tabIndex) >= 0;

// In the order of Tab, through the shadows of components.
const listStops = root => [...root.children].flatMap(child => [
  ...(isStop(child) ? [child] : []),
  ...(child.shadowRoot ? listStops(child.shadowRoot) : []),
  ...listStops(child),
]);

const findBody = () => [...document.querySelectorAll(BODY)].at(-1);

const enter = (event, button) => {
  const stops = listStops(findBody() ?? document.createElement('div'));
  if (!stops.length) return;
  opened = button;
  event.preventDefault();
  stops[0].focus();
};

// A button of a file that is being made is disabled meanwhile, and the focus falls off it.
const returnTo = (place, left = 100) => {
  const stop = listStops(findBody() ?? document.createElement('div'))[place];
  if (document.activeElement !== document.body) {
    if (left > 90) setTimeout(returnTo, 100, place, left - 1); // perhaps not disabled yet
  } else if (stop) stop.focus();
  else if (left) setTimeout(returnTo, 100, place, left - 1);
};

const move = (event, body) => {
  const stops = listStops(body);
  const place = stops.indexOf(event.composedPath()[0]);
  const step = {ArrowDown: 1, ArrowUp: -1}[event.key] ?? 0;
  const isField = /^(INPUT|SELECT|TEXTAREA)$/.test(event.composedPath()[0].tagName);
  if (event.key === 'Enter' || event.key === ' ') returnTo(place);
  else if (step && !isField && stops[place + step]) {
    event.preventDefault();
    stops[place + step].focus();
  } else if (event.key === 'Tab' && event.shiftKey && place <= 0) {
    event.preventDefault();
    opened?.focus();
    opened = undefined; // the next Tab leads in again
  } else if (event.key === 'Tab' && !event.shiftKey && place === stops.length - 1) {
    opened?.focus(); // and Tab itself leads on from there
  }
};

const listen = event => {
  const [target] = event.composedPath();
  if (!(target instanceof Element) || event.altKey || event.ctrlKey || event.metaKey) return;
  const body = event.composedPath().find(each => each instanceof Element && each.matches(BODY));
  if (body) move(event, body);
  else if (target.matches(OPEN) && (event.key === 'ArrowDown'
    || (event.key === 'Tab' && !event.shiftKey && opened !== target))) enter(event, target);
};

// From its last stop a menu gives the focus back: the next Tab leads on and not in again.
const forget = event => {
  const inMenu = event.composedPath().some(each => each instanceof Element && each.matches(BODY));
  if (!inMenu && event.composedPath()[0] !== opened) opened = undefined;
};

// Captured: a button of Streamlit's keeps Enter to itself.
export default function () {
  document.addEventListener('keydown', listen, true);
  document.addEventListener('focusin', forget);
  return () => {
    document.removeEventListener('keydown', listen, true);
    document.removeEventListener('focusin', forget);
  };
}
