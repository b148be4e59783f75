/** `<csv-help>`: its place in the frame; what it shows follows. */

import { fill, h } from "../core/element.js";
import { define, Part } from "../core/part.js";
import { texts } from "../texts.js";

class HelpPart extends Part {
  /** @override */
  start() {
    fill(this, h("h1", null, texts.help.title));
  }
}

define("csv-help", HelpPart);
