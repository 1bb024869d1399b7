import { beforeEach, expect, test } from 'vitest';
import { VirtualTime } from '../../../test/support/virtual-time.ts';
import { Spread, type Told } from './spread.ts';

class Link implements Told {
  reached = true;
  push_ms: number;
  told = 0;

  constructor(push_ms: number) {
    this.push_ms = push_ms;
  }

  notify(): void {
    this.told++;
  }
}

let time: VirtualTime;
let links: Link[];
let spread: Spread;

beforeEach(() => {
  time = new VirtualTime();
  links = [new Link(3), new Link(1), new Link(2)];
  spread = new Spread(() => links, time, 10);
});

const told = (): number[] => links.map((link) => link.told);

test('all are told of many commits once, a little later', async () => {
  for (let i = 0; i < 5; i++) spread.committed();
  await time.pass(9);
  expect(told()).toEqual([0, 0, 0]);
  await time.pass(1);
  expect(told()).toEqual([1, 1, 1]);
  spread.committed();
  await time.pass(10);
  expect(told()).toEqual([2, 2, 2]);
});

test('as many as a write waits for are told at once, those first that answer fastest', () => {
  spread.wanted(1);
  expect(told()).toEqual([0, 1, 0]);
  spread.wanted(2);
  expect(told()).toEqual([0, 2, 1]);
  spread.wanted(3);
  expect(told()).toEqual([1, 3, 2]);
});

test('whoever is first stays it until another one is twice as fast', () => {
  spread.wanted(1);
  links[2]!.push_ms = 0.6;
  spread.wanted(1);
  expect(told()).toEqual([0, 2, 0]);
  links[2]!.push_ms = 0.4;
  spread.wanted(1);
  expect(told()).toEqual([0, 2, 1]);
});

test('who is not reached comes last', () => {
  links[1]!.reached = false;
  spread.wanted(1);
  expect(told()).toEqual([0, 0, 1]);
});
