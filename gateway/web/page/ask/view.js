/** `<csv-ask>`: its place in the frame; what it shows follows. */

import { define, Part } from "../core/part.js";

class AskPart extends Part {
  /** @override */
  start() {
    this.hidden = true;
  }
}

define("csv-ask", AskPart);
