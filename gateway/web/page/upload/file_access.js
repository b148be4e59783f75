/** Opens files again by the handles that the browser keeps. */

/**
 * What the types of the DOM do not have yet.
 * @typedef {FileSystemFileHandle & {
 *   queryPermission?: (wanted: {mode: "read"}) => Promise<PermissionState>,
 *   requestPermission?: (wanted: {mode: "read"}) => Promise<PermissionState>,
 * }} AskingHandle
 */

/**
 * @typedef {typeof globalThis & {
 *   showOpenFilePicker?: (options: {id: string, multiple: boolean})
 *     => Promise<FileSystemFileHandle[]>,
 * }} WindowWithPicker
 */

/**
 * Opens the file of a handle.
 * @param {AskingHandle} handle
 * @param {boolean} ask whether a person may be asked, which a browser allows only after a click
 * @returns {Promise<File | null>} null if reading it is not allowed
 * @throws {DOMException} `NotFoundError` if the file is not there any more
 */
export async function openFile(handle, ask) {
  let state = (await handle.queryPermission?.({ mode: "read" })) ?? "granted";
  if (state === "prompt" && ask) {
    state = (await handle.requestPermission?.({ mode: "read" })) ?? "denied";
  }
  return state === "granted" ? handle.getFile() : null;
}

/**
 * Lets a person choose a file.
 * @returns {Promise<{file: File, handle: FileSystemFileHandle | null} | null>} null if none was chosen
 */
export async function chooseFile() {
  const { showOpenFilePicker } = /** @type {WindowWithPicker} */ (globalThis);
  if (!showOpenFilePicker) return chooseByInput();
  try {
    const [handle] = await showOpenFilePicker.call(globalThis, { id: "csv", multiple: false });
    return handle ? { file: await handle.getFile(), handle } : null;
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") return null;
    throw error;
  }
}

/** @returns {Promise<{file: File, handle: null} | null>} */
function chooseByInput() {
  const input = document.createElement("input");
  input.type = "file";
  return new Promise((resolve) => {
    input.addEventListener("cancel", () => resolve(null));
    input.addEventListener("change", () => {
      const file = input.files?.[0];
      resolve(file ? { file, handle: null } : null);
    });
    input.click();
  });
}
