import { expect, test } from 'vitest';
import { TransactionBoundary } from './transaction-boundary.ts';

const id = (n: number): Uint8Array => Uint8Array.from([n >> 8, n & 255]);

test('a place is safe when another transaction has begun behind it, or nothing more came', () => {
  const boundary = new TransactionBoundary();
  boundary.event(id(1), 'a');
  boundary.event(id(2), 'a');
  expect(boundary.take()).toBeNull();
  boundary.event(id(3), 'b');
  expect(boundary.take()).toEqual(id(2));
  expect(boundary.take()).toBeNull();
  boundary.event(id(4), null);
  boundary.event(id(5), 'b');
  expect(boundary.take()).toBeNull();
  boundary.event(id(6), 'c');
  expect(boundary.take()).toEqual(id(5));
  boundary.idle(id(9));
  expect(boundary.take()).toEqual(id(9));
  boundary.event(id(10), 'd');
  expect(boundary.take()).toBeNull();
});

test('a transaction without end moves the place all the same', () => {
  const boundary = new TransactionBoundary();
  const marks: (Uint8Array | null)[] = [];
  for (let n = 1; n <= 5000; n++) {
    boundary.event(id(n), 'huge');
    const mark = boundary.take();
    if (mark) marks.push(mark);
  }
  expect(marks).toEqual([id(2000), id(4000)]);
});
