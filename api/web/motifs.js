// What a drawn poster shows: one motif for each genre, in a square of 100 by 100, drawn by chance that is always the same.

import { s } from "./dom.js";

const circle = (cx, cy, r, fill, more = {}) => s("circle", { cx: n(cx), cy: n(cy), r: n(r), fill, ...more });
const ring = (cx, cy, r, stroke, width) => circle(cx, cy, r, "none", { stroke, "stroke-width": n(width) });
const path = (d, fill, more = {}) => s("path", { d, fill, ...more });
const rect = (x, y, width, height, fill, more = {}) =>
  s("rect", { x: n(x), y: n(y), width: n(width), height: n(height), fill, ...more });
const n = (value) => Math.round(value * 100) / 100;
const range = (count) => Array.from({ length: count }, (_, index) => index);
const half = (cx, cy, r, turn, fill) =>
  path(`M${n(cx - r)} ${n(cy)}a${n(r)} ${n(r)} 0 0 1 ${n(2 * r)} 0z`, fill, { transform: `rotate(${turn} ${n(cx)} ${n(cy)})` });

function orbits(random, [, a, b, c]) {
  const x = random.between(32, 68), y = random.between(36, 60), tilt = random.whole(-35, 35);
  const rings = range(random.whole(2, 4)).map((i) =>
    s("ellipse", { cx: n(x), cy: n(y), rx: 30 + i * 13, ry: n(9 + i * 5.5), fill: "none", stroke: c, "stroke-width": 0.7 }));
  const moons = range(3).map(() => circle(random.between(4, 96), random.between(4, 94), random.between(0.5, 1.2), c));
  return [
    ...moons, circle(x, y, random.between(17, 24), a), circle(x + 5, y - 4, random.between(12, 15), b, { opacity: 0.55 }),
    s("g", { transform: `rotate(${tilt} ${n(x)} ${n(y)})` }, rings, circle(x + 43, y, 3.2, c)),
  ];
}

function moon(random, [, a, b, c]) {
  const x = random.between(30, 70), low = random.between(70, 78);
  const hill = (y, fill, lean) =>
    path(`M-5 ${n(y)}C20 ${n(y - 16 - lean)} 42 ${n(y + 10)} 62 ${n(y - 4)}S92 ${n(y - 14 + lean)} 105 ${n(y)}V105H-5z`, fill);
  const stars = range(14).map(() => circle(random.between(3, 97), random.between(3, 58), random.between(0.3, 0.9), c));
  return [...stars, circle(x, 36, 19, a), circle(x + random.sign() * 7, 32, 16, b), hill(low - 8, b, 5), hill(low + 6, c, -4)];
}

function doorway(random, [, a, b, c]) {
  const x = random.between(34, 60), w = random.between(8, 14), spread = random.between(22, 40) * random.sign();
  return [
    rect(0, 0, 100, 100, b), rect(x, 16, w, 54, a),
    path(`M${n(x)} 70h${n(w)}L${n(x + w + spread)} 100H${n(x - 12 + spread)}z`, a, { opacity: 0.55 }),
    circle(x + w / 2, 34, 2.6, b), path(`M${n(x + w / 2 - 2.8)} 70l1 -32h3.6l1 32z`, b),
    rect(0, 70, 100, 0.6, c, { opacity: 0.4 }),
  ];
}

function teeth(random, [, a, b, c]) {
  const count = random.whole(5, 8), w = 100 / count;
  const row = (y, sign, fill) => path(
    `M0 ${y}` + range(count).map(() => `l${n(w / 2)} ${n(sign * random.between(16, 34))}L`).reduce((d, step, i) =>
      `${d}${step}${n((i + 1) * w)} ${y}`, "") + `V${sign > 0 ? -5 : 105}H0z`, fill);
  return [rect(0, 0, 100, 100, b), circle(50, 50, random.between(18, 26), a), row(26, 1, c), row(76, -1, c)];
}

function spiral(random, [, a, b, c]) {
  const x = random.between(36, 64), y = random.between(38, 62), rings = random.whole(7, 10);
  return [
    ...range(rings).reverse().map((i) =>
      circle(x + (i * (50 - x)) / rings, y + (i * (50 - y)) / rings, 3 + i * 7.6, i % 2 ? a : b, { opacity: i > 6 ? 0.5 : 1 })),
    circle(x, y, 3.4, c),
  ];
}

function keyhole(random, [, a, b, c]) {
  const x = 50, step = random.between(7, 10);
  return [
    rect(0, 0, 100, 100, c), ...range(5).reverse().map((i) => rect(x - 14 - i * step, 44 - 20 - i * step, 28 + 2 * i * step, 48 + 2 * i * step, i % 2 ? b : c)),
    circle(x, 38, 8.5, a), path(`M${n(x - 4)} 42h8l4.5 25h-17z`, a),
  ];
}

function city(random, [, a, b, c]) {
  const towers = [];
  for (let x = -4; x < 100; ) {
    const w = random.between(10, 19), top = random.between(34, 68), fill = random.pick([b, b, c]);
    const lit = fill === c ? b : a;
    towers.push(rect(x, top, w, 70, fill));
    for (let y = top + 5; y < 96; y += 7) {
      for (let at = x + 2.6; at < x + w - 3; at += 4.4) if (random.next() < 0.3) towers.push(rect(at, y, 2, 3.2, lit));
    }
    x += w + random.between(0.5, 3);
  }
  return [circle(random.between(24, 76), random.between(22, 34), random.between(8, 13), a), ...towers];
}

function eye(random, [, a, b, c]) {
  const y = random.between(46, 56), tall = random.between(24, 32), look = random.between(-9, 9);
  const lid = (t) => `M6 ${n(y)}Q50 ${n(y - 2 * t)} 94 ${n(y)}Q50 ${n(y + 2 * t)} 6 ${n(y)}z`;
  return [
    ...range(3).map((i) => path(lid(tall + 14 - i * 5), "none", { stroke: i % 2 ? a : b, "stroke-width": 1.4 })), path(lid(tall - 4), c),
    circle(50 + look, y, tall * 0.62, b), circle(50 + look, y, tall * 0.4, a), circle(50 + look + 3, y - 4, 2.6, c),
  ];
}

function blinds(random, [ground, a, b, c]) {
  const count = random.whole(8, 12), turn = random.whole(-24, 24), gap = 130 / count;
  return [
    rect(0, 0, 100, 100, b), circle(random.between(30, 70), random.between(34, 62), random.between(20, 27), a),
    s("g", { transform: `rotate(${turn} 50 50)` }, range(count + 2).map((i) =>
      rect(-30, -20 + i * gap, 160, gap * random.between(0.38, 0.55), ground))),
    rect(0, random.between(78, 88), 100, 1.2, c),
  ];
}

function burst(random, [, a, b, c]) {
  const x = random.between(18, 82), y = random.between(62, 86), count = random.whole(9, 14);
  const wedge = (i) => {
    const from = (i * Math.PI) / (count / 2), to = from + Math.PI / count;
    const at = (angle) => `${n(x + 150 * Math.cos(angle))} ${n(y + 150 * Math.sin(angle))}`;
    return path(`M${n(x)} ${n(y)}L${at(from)} ${at(to)}z`, i % 3 ? b : a);
  };
  return [...range(count).map(wedge), circle(x, y, random.between(14, 20), c), circle(x, y, 7, a)];
}

function ridges(random, [, a, b, c]) {
  const ridge = (y, tall, fill, opacity) => {
    let d = "M-5 105", x = -5;
    while (x < 105) {
      const step = random.between(12, 24);
      d += `L${n(x)} ${n(y + random.between(0, 6))}L${n(x + step / 2)} ${n(y - random.between(tall / 2, tall))}`;
      x += step;
    }
    return path(`${d}L110 ${n(y)}V105z`, fill, { opacity });
  };
  return [circle(random.between(22, 78), random.between(22, 36), random.between(9, 15), a),
    ridge(58, 24, b, 0.55), ridge(74, 22, b, 1), ridge(92, 18, c, 1)];
}

function mesa(random, [, a, b, c]) {
  const x = random.between(4, 36), w = random.between(24, 38), sun = random.between(40, 76);
  return [
    circle(sun, 56, random.between(20, 27), a), rect(0, 66, 100, 40, b),
    path(`M${n(x)} 66l4 -26h${n(w)}l5 26z`, c), path(`M${n(x + w + 16)} 66l2 -15h14l3 15z`, c),
    rect(0, random.between(76, 80), 100, 0.9, c), rect(0, random.between(86, 91), 100, 0.9, c),
    path("M84 90v-17m0 9h-4v-5m4 7h4v-6", "none", { stroke: c, "stroke-width": 2.4, "stroke-linecap": "round" }),
  ];
}

function confetti(random, colours) {
  const size = random.pick([3, 4]), w = 100 / size;
  return range(size * size).map((i) => {
    const x = (i % size) * w + w / 2, y = Math.floor(i / size) * w + w / 2, fill = random.pick(colours.slice(1));
    return random.next() < 0.72 ? half(x, y + (w * 0.2), w * 0.42, random.whole(0, 3) * 90, fill) : circle(x, y, w * random.between(0.16, 0.34), fill);
  });
}

function overlap(random, [, a, b, c]) {
  const r = random.between(23, 29), gap = random.between(12, 17), y = random.between(44, 54), turn = random.whole(-40, 40);
  const lens = Math.sqrt(r * r - gap * gap);
  return [s("g", { transform: `rotate(${turn} 50 ${n(y)})` },
    circle(50 - gap, y, r, a), circle(50 + gap, y, r, b),
    path(`M50 ${n(y - lens)}A${n(r)} ${n(r)} 0 0 1 50 ${n(y + lens)}A${n(r)} ${n(r)} 0 0 1 50 ${n(y - lens)}z`, c))];
}

function horizon(random, [, a, b, c]) {
  const y = random.between(54, 70), x = random.between(26, 74), r = random.between(20, 34);
  const waves = range(random.whole(3, 6)).map((i) => rect(x - r + i * random.between(3, 6), y + 5 + i * 5.5, Math.max(6, 2 * r - i * 11), 1.5, a, { opacity: 0.85 }));
  return [half(x, y, r, 0, a), rect(0, y, 100, 60, b), ...waves, circle(random.between(8, 92), random.between(8, 26), 2.6, c)];
}

function arches(random, [, a, b, c]) {
  const x = random.between(42, 58), count = random.whole(4, 6), fills = [a, b, c];
  const arch = (i) => {
    const w = 46 - i * (44 / count), top = 12 + i * (50 / count);
    return path(`M${n(x - w)} 100V${n(top + w)}a${n(w)} ${n(w)} 0 0 1 ${n(2 * w)} 0V100z`, fills[i % 3]);
  };
  return range(count).map(arch);
}

function tiles(random, colours) {
  const size = random.pick([3, 4, 5]), w = 100 / size, fills = colours.slice(1);
  return range(size * size).flatMap((i) => {
    const x = (i % size) * w, y = Math.floor(i / size) * w, fill = random.pick(fills), under = random.pick(colours);
    const turn = `rotate(${random.whole(0, 3) * 90} ${n(x + w / 2)} ${n(y + w / 2)})`;
    const quarter = path(`M${n(x)} ${n(y)}h${n(w)}a${n(w)} ${n(w)} 0 0 1 ${n(-w)} ${n(w)}z`, fill, { transform: turn });
    return [rect(x, y, w + 0.2, w + 0.2, under), random.next() < 0.78 ? quarter : circle(x + w / 2, y + w / 2, w * 0.32, fill)];
  });
}

function totem(random, [ground, a, b, c]) {
  const fills = [a, b, c], x = random.between(44, 56);
  let y = 96, last = -1;
  return range(5).flatMap((i) => {
    const tall = random.between(12, 17), wide = random.between(22, 50) - i * 2, fill = fills[(last = (last + random.whole(1, 2)) % 3)];
    const lean = x + random.between(-6, 6), top = (y -= tall);
    if (i === 4) return [circle(lean, top + 7, 9, fill), circle(lean + 2, top + 5, 2, ground)];
    return random.pick([
      () => [rect(lean - wide / 2, top, wide, tall, fill)],
      () => [path(`M${n(lean - wide / 2)} ${n(top + tall)}a${n(wide / 2)} ${n(tall)} 0 0 1 ${n(wide)} 0z`, fill)],
      () => [path(`M${n(lean - wide / 2)} ${n(top + tall)}L${n(lean - wide / 4)} ${n(top)}H${n(lean + wide / 4)}L${n(lean + wide / 2)} ${n(top + tall)}z`, fill)],
      () => [rect(lean - wide / 2, top, wide, tall, fill, { rx: n(tall / 2) })],
    ])();
  });
}

function waves(random, [, a, b, c]) {
  const step = random.between(11, 15), deep = random.between(5, 9), shift = random.between(0, 40);
  const wave = (y, fill, opacity, by) => path(`M-60 ${n(y)}` + `q${n(20)} ${n(-2 * deep)} 40 0t40 0`.repeat(3) + "V110H-60z", fill, { opacity, transform: `translate(${n(by)} 0)` });
  return [circle(random.between(26, 74), random.between(24, 34), random.between(12, 18), a),
    ...range(4).map((i) => wave(52 + i * step, [b, c, b, a][i], i === 2 ? 0.85 : 1, -((shift + i * 23) % 40)))];
}

function halftone(random, [, a, b, c]) {
  const x = random.between(20, 80), y = random.between(20, 80), step = random.pick([8, 10]);
  return range(Math.ceil(100 / step) ** 2).map((i) => {
    const cx = (i % Math.ceil(100 / step)) * step + step / 2, cy = Math.floor(i / Math.ceil(100 / step)) * step + step / 2;
    const far = Math.hypot(cx - x, cy - y) / 90;
    return circle(cx, cy, Math.max(0.5, (step / 2) * (1.08 - far)), far < 0.28 ? c : far < 0.62 ? a : b);
  });
}

function columns(random, [, a, b, c]) {
  const count = random.whole(4, 7), w = 100 / (count * 1.6);
  return [
    circle(random.between(26, 74), 34, random.between(14, 20), a),
    ...range(count).map((i) => rect((i * 100) / count + w * 0.3, random.between(34, 66), w, 70, i % 2 ? b : c)), rect(0, 92, 100, 10, a),
  ];
}

function grooves(random, [, a, b, c]) {
  const x = random.between(30, 70), y = random.between(36, 60);
  return [circle(x, y, 44, b), ...range(9).map((i) => ring(x, y, 15 + i * 3.1, c, random.between(0.25, 0.9))), circle(x, y, 11, a), circle(x, y, 1.8, b)];
}

function lanes(random, [, a, b, c]) {
  const flip = random.sign(), fills = [a, b, c];
  return range(7).reverse().map((i) =>
    ring(flip > 0 ? -6 : 106, 104, 18 + i * 16, fills[i % 3], 11.5 + random.between(0, 2)));
}

function bars(random, [, a, b, c]) {
  const turn = random.pick([-32, -20, 20, 32]);
  return [circle(random.between(34, 66), random.between(30, 52), random.between(15, 22), a),
    s("g", { transform: `rotate(${turn} 50 50)` }, range(7).map((i) =>
      rect(random.between(-30, 40), 8 + i * 14, random.between(40, 90), random.between(4, 9), i % 3 === 1 ? c : b)))];
}

function frames(random, [, a, b, c]) {
  const count = random.whole(3, 5), h = 100 / count;
  return range(count).flatMap((i) => [
    rect(18, i * h + 2, 64, h - 4, random.pick([a, b])), half(random.between(34, 66), i * h + h - 2, Math.min(h * 0.6, 18), 0, c),
    ...[8, 92].flatMap((x) => [0.2, 0.5, 0.8].map((at) => rect(x - 3, i * h + at * h - 2, 6, 4, c, { rx: 1 }))),
  ]);
}

// Genre → motifs that say it, palettes that suit it. The order is that of how much a genre says about a title.
const GENRES = {
  Western: [[mesa], ["rust", "sand"]],
  "Film-Noir": [[blinds, city], ["ink", "stone"]],
  War: [[bars], ["moss", "stone", "ember"]],
  Horror: [[doorway, teeth, eye], ["ember", "ink", "plum"]],
  Animation: [[tiles, confetti, totem], ["coral", "sky", "mustard", "cobalt"]],
  "Sci-Fi": [[orbits], ["night", "teal", "ink", "cobalt"]],
  Musical: [[grooves, lanes], ["plum", "mustard", "rose"]],
  Music: [[grooves], ["ember", "mustard", "plum"]],
  Sport: [[lanes], ["rust", "cobalt", "moss"]],
  Documentary: [[halftone], ["stone", "moss", "sky"]],
  Fantasy: [[moon], ["plum", "night", "teal"]],
  Mystery: [[keyhole, eye], ["teal", "plum", "ink"]],
  Crime: [[blinds, keyhole, city], ["ink", "ember", "sand"]],
  Thriller: [[spiral, eye], ["ember", "stone", "night"]],
  Romance: [[overlap, horizon], ["rose", "plum", "coral"]],
  Adventure: [[ridges, waves], ["teal", "sand", "sky"]],
  Action: [[burst, bars, city], ["rust", "mustard", "night"]],
  History: [[columns, arches], ["sand", "stone", "moss"]],
  Biography: [[arches, columns], ["sand", "teal", "stone"]],
  Family: [[totem, waves], ["sky", "mustard", "coral"]],
  Comedy: [[confetti, lanes, totem], ["mustard", "coral", "sky"]],
  Drama: [[horizon, arches, overlap, waves], ["rose", "teal", "moss", "night", "sand"]],
};
const OTHER = [[frames, halftone], ["stone", "sand", "teal", "coral"]];

// Ground, three colours, and the colour of letters on the ground (at least 4.5 to 1).
const PALETTES = {
  night: ["#14213d", "#e9c46a", "#3d5a80", "#98c1d9", "#f4efe2"],
  ember: ["#1d1513", "#d1462f", "#7a1f1a", "#e8b298", "#f5e9dc"],
  sand: ["#e7d7b8", "#b5482a", "#d98e4a", "#3c2a21", "#2a1d16"],
  mustard: ["#e9b949", "#23395b", "#c8452d", "#fbf3dd", "#1d2a44"],
  coral: ["#f3e7d6", "#e4572e", "#2e86ab", "#f3a712", "#24323f"],
  teal: ["#12484c", "#f0a868", "#1f7a7a", "#e9e3cf", "#f6efdc"],
  rose: ["#f2d6d0", "#a4243b", "#d8737f", "#3a1f2b", "#3a1420"],
  plum: ["#3b1f3f", "#e39695", "#6f3b6b", "#f0d3a8", "#f7e9de"],
  moss: ["#2f3e2e", "#d9c27a", "#5c7650", "#eee4c6", "#f3edd8"],
  stone: ["#d9d6cf", "#2b2b2b", "#8d8a83", "#b6402c", "#1f1f1f"],
  ink: ["#181818", "#e5e0d5", "#5a5a58", "#c9a227", "#f1ece2"],
  sky: ["#bcd7df", "#1f4e5f", "#f26b4e", "#f7f1e1", "#12333f"],
  rust: ["#9c3820", "#f0c987", "#d96b3a", "#3a1a12", "#fbeed7"],
  cobalt: ["#223c94", "#f7d54a", "#5c7fe0", "#f5f2e8", "#fbf8ee"],
};

/** The motif and the colours for a title's genres: mostly those of the most telling one, else of the next. */
export function chosenFor(genres, random) {
  const telling = Object.keys(GENRES).filter((genre) => genres.includes(genre)).map((genre) => GENRES[genre]);
  const [first, second] = [telling[0] ?? OTHER, telling[1] ?? telling[0] ?? OTHER];
  const motif = random.pick(random.next() < 0.7 ? first[0] : second[0]);
  return { motif, colours: PALETTES[random.pick([...first[1], ...second[1]])] };
}
