/** Words for a POSIX shell. */

const PLAIN = /^[A-Za-z0-9_@%+=:,./-]+$/;

/**
 * Returns a text as one word of a command.
 * @param {string} text
 */
export function shellWord(text) {
  if (PLAIN.test(text)) return text;
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/**
 * Returns the name of a file in the current folder as one word that is not taken for an option, for
 * standard input, or for a pattern.
 * @param {string} name
 */
export function fileWord(name) {
  return shellWord(/^[-.@<]/.test(name) ? `./${name}` : name);
}

/**
 * Returns a command with a line for each of its parts.
 * @param {readonly string[]} parts each with its own words
 */
export function commandOf(parts) {
  let text = "";
  let width = 0;
  for (const part of parts) {
    if (text && width + part.length > 76) {
      text += " \\\n  ";
      width = 2;
    } else if (text) {
      text += " ";
      width += 1;
    }
    text += part;
    width += part.length;
  }
  return text;
}
