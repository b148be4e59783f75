/** `<csv-home>`: its place in the frame; what it shows follows. */

import { fill, h } from "../core/element.js";
import { define, Part } from "../core/part.js";
import { texts } from "../texts.js";

class HomePart extends Part {
  /** @override */
  start() {
    fill(this, h("h1", null, texts.home.title));
  }
}

define("csv-home", HomePart);
