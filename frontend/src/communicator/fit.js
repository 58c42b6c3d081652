/** Calls draw(width) now and whenever the node's width changes. */
export function fit(node, draw) {
  let known = 0;
  new ResizeObserver(([{ contentRect }]) => {
    const width = Math.floor(contentRect.width);
    if (width && width !== known) draw((known = width));
  }).observe(node);
}
