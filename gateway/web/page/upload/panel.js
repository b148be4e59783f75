/** `<csv-uploads>`: its place in the frame; what it shows follows. */

import { define, Part } from "../core/part.js";

class UploadsPart extends Part {
  /** @override */
  start() {
    this.hidden = true;
  }
}

define("csv-uploads", UploadsPart);
