/** A file to try the page with, made in the browser. */

const ROWS = 5000;
const REGIONS = ["North", "South", "East", "West"];
const PRODUCTS = ["Tea", "Coffee", "Cocoa", "Juice", "Water"];
const CHANNELS = ["Shop", "Online", "Phone"];
const DAY = 86_400_000;

/**
 * Returns a CSV file of sales; it is the same each time.
 * @param {string} name
 */
export function sampleFile(name) {
  const draw = generator(20_260_101);
  const lines = ["date,region,product,channel,units,amount"];
  const first = Date.UTC(2026, 0, 1);
  for (let row = 0; row < ROWS; row += 1) {
    const day = Math.floor(draw() * 365);
    const season = 1 + 0.5 * Math.sin((day / 365) * 2 * Math.PI);
    const region = Math.floor(draw() * draw() * REGIONS.length);
    const product = Math.floor(draw() * PRODUCTS.length);
    const units = 1 + Math.floor(draw() * 12 * season);
    const price = 1.5 + product * 0.85 + draw() * 0.5;
    lines.push(
      [
        new Date(first + day * DAY).toISOString().slice(0, 10),
        REGIONS[region],
        PRODUCTS[product],
        CHANNELS[Math.floor(draw() * CHANNELS.length)],
        units,
        (units * price).toFixed(2),
      ].join(","),
    );
  }
  return new File([`${lines.join("\n")}\n`], name, { type: "text/csv", lastModified: first });
}

/**
 * Returns a function that returns numbers from 0 to below 1, the same for the same seed.
 * @param {number} seed
 */
function generator(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
