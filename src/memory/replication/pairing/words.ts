import { createHmac } from 'node:crypto';

/** Fingerprints of the two that pair. */
export interface Keys {
  inviter: string;
  joiner: string;
}

/** 256 short words that sound and look different. Their order is part of the protocol. */
const WORDS = `
acid acorn actor agent alarm album alley amber anchor angle ankle apple apron arch arena arrow atlas attic badge bagel
baker bamboo banjo barn basil basket beach beacon bean beaver bench berry bird blade blanket blossom boat bolt bonus book
bottle bridge broom bubble bucket butter button cabin cactus camel candle canoe canyon carbon carpet castle cedar cello
chair chalk cherry chess cinema circle citrus clay cliff clock cloud clover cobalt cocoa comet compass copper coral cotton
cradle crane crater crayon cricket crystal cube curtain cycle daisy dance delta denim desert diamond dinner dolphin domino
donkey dragon drum eagle earth easel echo elbow ember engine falcon farmer feather fence fern ferry fiddle figure finger
flame flute forest fossil fountain fox galaxy garden garlic geyser giant ginger glacier globe glove goat grape gravel
guitar hammer harbor harvest hazel helmet heron hockey honey horizon hotel igloo indigo insect iron island ivory jacket
jaguar jasmine jelly jungle kettle kitten ladder lagoon lantern laurel lemon leopard library lily lime linen lion lizard
lobster lotus magnet maple marble market meadow melon meteor mirror mosaic motor mountain museum mustard needle nickel
noodle nutmeg oasis ocean olive onion opera orange orbit orchid otter oyster paddle palace panda paper parrot pearl pebble
pelican pencil pepper piano pigeon pillow pilot planet plum pocket poem pond poppy potato prism puzzle quartz rabbit radio
raven ribbon river robin rocket rose saddle salmon sand scarf shadow shell silver skater spider spoon spruce squash stable statue
summer sunset tablet temple tiger tomato tulip tunnel turtle valley velvet violin walnut
`
  .trim()
  .split(/\s+/);

/** Six words that both sides show: equal exactly when both hold the same secret and see the same two keys. */
export function wordsOf(secret: string, { inviter, joiner }: Keys): string {
  const digest = createHmac('sha256', secret)
    .update(JSON.stringify(['words', inviter, joiner]))
    .digest();
  return [...digest.subarray(0, 6)].map((byte) => WORDS[byte]).join(' ');
}
