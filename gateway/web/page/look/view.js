/** `<csv-look>`: its place in the frame; what it shows follows. */

import { define, Part } from "../core/part.js";

class LookPart extends Part {
  /** @override */
  start() {
    this.hidden = true;
  }
}

define("csv-look", LookPart);
