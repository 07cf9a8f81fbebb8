// Texts whose contrast against the ground behind them is under 4.5 (WCAG 2.2, 1.4.3).
() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const parse = value => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = value;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const channel = c => {
    c /= 255;
    return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  };
  const luminance = ([r, g, b]) =>
    0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  // A label can stand outside the element it belongs to, as on a slider's thumb.
  const covers = (box, text) => box.left <= text.left + text.width / 2
    && box.right >= text.left + text.width / 2
    && box.top <= text.top + text.height / 2
    && box.bottom >= text.top + text.height / 2;
  // Components of our own stand in a shadow tree: look into it, and climb out of it.
  const above = element => element.parentElement || element.getRootNode().host;
  const below = root => [...root.querySelectorAll('*')]
    .flatMap(element => element.shadowRoot ? [element, ...below(element.shadowRoot)] : [element]);
  const groundOf = element => {
    const text = element.getBoundingClientRect();
    for (let e = element; e; e = above(e)) {
      const color = parse(getComputedStyle(e).backgroundColor);
      const box = e.getBoundingClientRect();
      if (color[3] > 250 && (box.height > 60 || covers(box, text))) return color;
    }
    return [255, 255, 255, 255];
  };
  const passed_over = 'svg, .js-plotly-plot, [aria-hidden="true"], [disabled], [aria-disabled="true"]';
  const low = [];
  for (const element of below(document.querySelector('.stApp'))) {
    const own = [...element.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    const box = element.getBoundingClientRect();
    if (!own || box.width < 2 || box.height < 2 || element.closest(passed_over)) continue;
    const style = getComputedStyle(element);
    let shown = style.visibility === 'hidden' ? 0 : 1;
    for (let e = element; e; e = above(e)) shown *= parseFloat(getComputedStyle(e).opacity);
    if (shown < 0.05) continue;
    const ground = groundOf(element);
    const color = parse(style.color);
    const alpha = shown * color[3] / 255;
    const ink = color.map((c, i) => c * alpha + ground[i] * (1 - alpha));
    const [bright, dark] = [luminance(ink), luminance(ground)].sort((p, q) => q - p);
    const ratio = (bright + 0.05) / (dark + 0.05);
    if (ratio < 4.5) low.push(`${ratio.toFixed(2)} "${element.textContent.trim().slice(0, 50)}"`);
  }
  return [...new Set(low)];
}
