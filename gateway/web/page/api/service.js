/** Which service is asked: that of the page, or another one that a client names. */

/** @type {string | null} */
let named = null;

/** The address of the service, with a slash at its end unless it is a document's. */
export function serviceUrl() {
  return named ?? document.baseURI;
}

/**
 * Lets all requests go to a service.
 * @param {string | URL} url relative to the document, as `https://csv.example.org/`
 */
export function useService(url) {
  const found = new URL(url, globalThis.document?.baseURI);
  found.hash = "";
  found.search = "";
  if (!found.pathname.endsWith("/")) found.pathname += "/";
  named = found.href;
}
