// Elements of the page, made from texts.

/** An element with text and attributes; text is never read as HTML. */
export function make(name, text, attributes = {}) {
  const made = document.createElement(name);
  if (text !== undefined && text !== null) made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

/** A box of texts, or of elements that hold one. */
export function notice(kind, ...texts) {
  const made = make("div", null, { class: `notice ${kind}` });
  made.append(...texts.filter(Boolean).map((text) => (text instanceof Node ? text : make("p", text))));
  return made;
}
