// Bring a container into view, once it stands there.
const WAIT = 200; // milliseconds, until what is above has its height
const isCalm = matchMedia('(prefers-reduced-motion: reduce)').matches;

export default function ({data}) {
  setTimeout(() => document.querySelector(`.st-key-${data.to}`)
    ?.scrollIntoView({block: 'start', behavior: isCalm ? 'auto' : 'smooth'}), WAIT);
}
