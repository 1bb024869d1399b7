/** Numbers as decimal text: exact, without exponent, the shortest there is. */

/** PostgreSQL's numeric takes 131,072 digits; nothing that Salesforce keeps comes near this. */
const MOST_DIGITS = 1_000;

/**
 * `-12.5` for `-012.50`, `-1.25e1`, -12.5; `0` for every zero. Null for what is no finite number or too long to be one
 * that anybody means. A number is taken as the shortest decimal that reads as the same double.
 */
export function decimalText(value: string | number | bigint): string | null {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = FORM.exec(String(value)) ?? [];
  if (whole === '' && fraction === '') return null;
  const shift = Number(exponent);
  if (Math.abs(shift) > MOST_DIGITS || whole.length + fraction.length + Math.abs(shift) > MOST_DIGITS) return null;
  const digits = whole + fraction;
  const point = whole.length + shift;
  if (point <= 0) return assemble(sign, '', '0'.repeat(-point) + digits);
  return assemble(sign, digits.slice(0, point).padEnd(point, '0'), digits.slice(point));
}

const FORM = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,5}))?$/;

/** Rounded half to even to this many digits after the point. `text` as `decimalText` makes it. */
export function roundHalfEven(text: string, scale: number): string {
  const [, sign = '', whole = '', fraction = ''] = FORM.exec(text) ?? [];
  if (fraction.length <= scale) return text;
  const kept = BigInt(whole + fraction.slice(0, scale));
  const rest = fraction.slice(scale);
  const half = `5${'0'.repeat(rest.length - 1)}`;
  const up = rest > half || (rest === half && kept % 2n === 1n);
  const digits = String(up ? kept + 1n : kept).padStart(scale + 1, '0');
  return assemble(sign, digits.slice(0, digits.length - scale), digits.slice(digits.length - scale));
}

/** Whether the text is kept by a double: reads as one whose shortest text it is. */
export function isExactDouble(text: string): boolean {
  return decimalText(Number(text)) === text;
}

/** The same of a 4-byte float, whose shortest text PostgreSQL prints. */
export function isExactFloat(text: string): boolean {
  const single = Math.fround(Number(text));
  for (let precision = 1; precision <= 9; precision++) {
    const shortest = single.toPrecision(precision);
    if (Math.fround(Number(shortest)) === single) return decimalText(shortest) === text;
  }
  return false;
}

function assemble(sign: string, whole: string, fraction: string): string {
  const left = whole.replace(/^0+(?=\d)/, '') || '0';
  const right = fraction.replace(/0+$/, '');
  const text = right === '' ? left : `${left}.${right}`;
  return sign === '-' && text !== '0' ? `-${text}` : text;
}
