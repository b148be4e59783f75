/** Files that are dropped or picked, with their handles where the browser gives them. */

/**
 * A file, and the handle by which a restarted browser finds it again.
 * @typedef {object} Given
 * @property {File} file
 * @property {FileSystemFileHandle | null} handle
 */

/**
 * Returns the files of a drop, and how many folders there were. Call it while the event is handled.
 * @param {DataTransfer} transfer
 * @returns {Promise<{files: Given[], folders: number}>}
 */
export async function droppedFiles(transfer) {
  const items = [...transfer.items].filter(({ kind }) => kind === "file");
  // All of this has to be asked before the event ends.
  const asked = items.map((item) => {
    const isFolder = item.webkitGetAsEntry?.()?.isDirectory === true;
    return { file: item.getAsFile(), isFolder, handle: isFolder ? null : handleOf(item) };
  });
  const found = await Promise.all(
    asked.map(async ({ file, isFolder, handle }) => ({ file, isFolder, handle: await handle })),
  );
  return {
    files: found.flatMap(({ file, isFolder, handle }) =>
      file && !isFolder ? [{ file, handle }] : [],
    ),
    folders: found.filter(({ isFolder }) => isFolder).length,
  };
}

/**
 * @param {DataTransferItem} item
 * @returns {Promise<FileSystemFileHandle | null>}
 */
async function handleOf(item) {
  if (!("getAsFileSystemHandle" in item)) return null;
  try {
    const get = /** @type {() => Promise<FileSystemHandle | null>} */ (item.getAsFileSystemHandle);
    const handle = await get.call(item);
    return handle?.kind === "file" ? /** @type {FileSystemFileHandle} */ (handle) : null;
  } catch {
    return null; // without it, a restarted browser asks for the file again
  }
}

/** Whether the browser has a picker that gives handles. */
export function hasPicker() {
  return "showOpenFilePicker" in window;
}

/**
 * Lets a person pick files, by the picker that gives handles.
 * @returns {Promise<Given[] | null>} null if the picker may not be used here
 */
export async function pickFiles() {
  /** @typedef {(options: {multiple: boolean}) => Promise<FileSystemFileHandle[]>} Pick */
  const pick = /** @type {Pick} */ (Reflect.get(window, "showOpenFilePicker"));
  try {
    const handles = await pick.call(window, { multiple: true });
    return await Promise.all(
      handles.map(async (handle) => ({ handle, file: await handle.getFile() })),
    );
  } catch (error) {
    // A person has closed the picker
    if (error instanceof DOMException && error.name === "AbortError") return [];
    if (error instanceof DOMException && error.name === "SecurityError") return null;
    throw error;
  }
}

/**
 * Whether what is dragged over the page has files.
 * @param {DragEvent} event
 */
export function hasFiles(event) {
  return event.dataTransfer?.types.includes("Files") === true;
}
