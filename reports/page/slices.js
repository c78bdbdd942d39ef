// The slice viewer: a volume's layers are decoded once, then any plane is cut out of memory.

const COLOURS = [[86, 180, 233], [213, 94, 0], [0, 158, 115], [204, 121, 167], [0, 114, 178], [230, 159, 0]];
const DOUBT = [255, 235, 59];
// Which axes of the volume run across, down and through a slice, and what its left and upper edge are.
const PLANES = {
  axial: { across: 0, down: 1, through: 2, letters: ["R", "A"], ends: ["inferior", "superior"] },
  coronal: { across: 0, down: 2, through: 1, letters: ["R", "S"], ends: ["posterior", "anterior"] },
  sagittal: { across: 1, down: 2, through: 0, letters: ["A", "S"], ends: ["left", "right"] },
};
const colour = (label) => COLOURS[(label - 1) % COLOURS.length];
const css = (rgb) => `rgb(${rgb.join(" ")})`;

// A sprite of axial slices as bytes indexed [i, j, k], i fastest.
const decode = async (source, [width, height, count], grid) => {
  const picture = new Image();
  picture.src = source;
  await picture.decode();
  const sheet = element("canvas", { width: picture.width, height: picture.height });
  const context = sheet.getContext("2d", { willReadFrequently: true });
  context.drawImage(picture, 0, 0);
  const pixels = context.getImageData(0, 0, sheet.width, sheet.height).data;
  const bytes = new Uint8Array(width * height * count);
  for (let k = 0; k < count; k++) {
    const [top, left] = [Math.floor(k / grid) * height, (k % grid) * width];
    for (let j = 0; j < height; j++) {
      for (let i = 0; i < width; i++) {
        const at = (top + height - 1 - j) * sheet.width + left + width - 1 - i;
        bytes[(k * height + j) * width + i] = pixels[4 * at];
      }
    }
  }
  return bytes;
};

// One slice of one layer, as it is looked at: both axes fall (right, anterior, superior come first).
const cut = (bytes, size, { across, down, through }, place) => {
  const [columns, rows] = [size[across], size[down]];
  const strides = [1, size[0], size[0] * size[1]];
  const slice = new Uint8Array(columns * rows);
  for (let row = 0; row < rows; row++) {
    for (let at = 0; at < columns; at++) {
      const from = (columns - 1 - at) * strides[across] + (rows - 1 - row) * strides[down] + place * strides[through];
      slice[row * columns + at] = bytes[from];
    }
  }
  return slice;
};

const blend = (pixels, at, rgb, share) => {
  for (let channel = 0; channel < 3; channel++) {
    pixels[4 * at + channel] += share * (rgb[channel] - pixels[4 * at + channel]);
  }
};

// The picture of a slice, a pixel a voxel.
const paint = ({ image, filled, doubt }, columns, rows) => {
  const picture = new ImageData(columns, rows);
  for (let at = 0; at < columns * rows; at++) {
    picture.data.fill(image[at], 4 * at, 4 * at + 3);
    picture.data[4 * at + 3] = 255;
    if (filled?.[at]) blend(picture.data, at, colour(filled[at]), 0.5);
    if (doubt?.[at]) blend(picture.data, at, DOUBT, (0.85 * doubt[at]) / 255);
  }
  return picture;
};

// The edges between voxels of different labels, by the structure inside.
const edges = (labels, columns, rows, [wide, high]) => {
  const paths = new Map();
  const line = (label, x1, y1, x2, y2) => {
    if (!paths.has(label)) paths.set(label, new Path2D());
    paths.get(label).moveTo(x1 * wide, y1 * high);
    paths.get(label).lineTo(x2 * wide, y2 * high);
  };
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      const own = labels[y * columns + x];
      const right = x + 1 < columns ? labels[y * columns + x + 1] : 0;
      const below = y + 1 < rows ? labels[(y + 1) * columns + x] : 0;
      if (own !== right) line(own || right, x + 1, y, x + 1, y + 1);
      if (own !== below) line(own || below, x, y + 1, x + 1, y + 1);
    }
  }
  return paths;
};

// Dark below the colour, so that a line shows on a fill of its own colour too.
const outline = (context, paths) => {
  context.lineCap = "square";
  for (const [width, stroke] of [[5, () => "rgb(0 0 0 / 0.7)"], [2.5, (label) => css(colour(label))]]) {
    context.lineWidth = width;
    for (const [label, path] of paths) {
      context.strokeStyle = stroke(label);
      context.stroke(path);
    }
  }
};
