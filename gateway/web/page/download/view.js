/** `<csv-download>`: its place in the frame; what it shows follows. */

import { define, Part } from "../core/part.js";

class DownloadPart extends Part {
  /** @override */
  start() {
    this.hidden = true;
  }
}

define("csv-download", DownloadPart);
