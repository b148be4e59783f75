/** Command lines that download and check a result, to copy. */

/** The variable of the environment with the API key, as `csvmill` reads it. */
const KEY = "$CSVMILL_API_KEY";

/**
 * Returns a command that downloads a file; run again, it resumes.
 * @param {object} about
 * @param {string} about.url
 * @param {string} about.name of the file
 * @param {boolean} about.withKey whether the service demands a key
 */
export function curlCommand({ url, name, withKey }) {
  const key = withKey ? ` -H "Authorization: Bearer ${KEY}"` : "";
  return `curl --fail --location -C -${key} -o ${quoted(asFile(name))} ${quoted(url)}`;
}

/**
 * Returns a command that checks the file.
 * @param {{name: string, sha256: string}} about
 */
export function checkCommand({ name, sha256 }) {
  return `printf '%s  %s\\n' ${sha256} ${quoted(asFile(name))} | sha256sum --check`;
}

/**
 * Returns the name of the file that an answer gives (RFC 6266); null if it gives none.
 * @param {string | null} disposition the value of Content-Disposition
 */
export function attachedName(disposition) {
  const encoded = /filename\*=UTF-8''([^;]+)/i.exec(disposition ?? "");
  if (encoded) return decodeURIComponent(encoded[1]);
  return /filename="([^"]*)"/i.exec(disposition ?? "")?.[1] ?? null;
}

/** @param {string} name */
function asFile(name) {
  return name.startsWith("-") ? `./${name}` : name;
}

/** Returns a text as one word of a POSIX shell. @param {string} text */
function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
