/** `<csv-jobs>`: its place in the frame; what it shows follows. */

import { fill, h } from "../core/element.js";
import { define, Part } from "../core/part.js";
import { texts } from "../texts.js";

class JobsPart extends Part {
  /** @override */
  start() {
    fill(this, h("h1", null, texts.jobs.title));
  }
}

define("csv-jobs", JobsPart);
