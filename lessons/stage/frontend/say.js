// What the stage itself says: Python sends the texts with the data, in the language of the page.

let texts = {};

export function learn(given) {
  texts = given;
}

/** A text by its name, with `{{name}}` filled in. */
export const say = (name, values = {}) => texts[name].replace(/\{\{(\w+)\}\}/g, (_, key) => values[key]);
