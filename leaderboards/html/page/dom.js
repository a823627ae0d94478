// Elements made without markup in strings, so that text from data is always text.

const SVG = 'http://www.w3.org/2000/svg';

/** An element: attributes that are null or false are left out, functions are listeners, children strings or nodes. */
function element(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

function drawn(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, '');
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== ''));
  return node;
}

/** A labelled <select>; `options` are [value, text]. */
function choice(label, options, value, onchange) {
  const select = element('select', { onchange: () => onchange(select.value) },
    options.map(([key, text]) => element('option', { value: key, selected: String(key) === String(value) }, text)));
  return element('label', { class: 'field' }, element('span', {}, label), select);
}

function hiddenText(text) {
  return element('span', { class: 'visually-hidden' }, text);
}
