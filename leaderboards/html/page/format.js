// How names and numbers are written, put in order and found.

const ACRONYMS = new Set(['aed', 'akd', 'apd', 'csim', 'fid', 'fvd', 'id', 'l1', 'lpips', 'mae', 'mkr', 'psnr', 'ssim']);

/** A column as papers write it: 'ms_ssim' is MS-SSIM, 'video_fid' video FID, and 'pose_error' pose error. */
function columnName(name) {
  if (name === 'fps') return 'fps';
  const preference = name.match(/^preference_vs_(.+)_percent$/);
  if (preference) return `preferred to ${preference[1]}, %`;
  if (name === 'ms_ssim') return 'MS-SSIM';
  return name.split('_').map((word) => (ACRONYMS.has(word) ? word.toUpperCase() : word)).join(' ');
}

function directionArrow(column) {
  return { lower: '↓', higher: '↑', nearer: '≈' }[column.better];
}

function directionText(column) {
  return column.better === 'nearer' ? 'nearer to true videos is better' : `${column.better} is better`;
}

function numberText(value, column) {
  return value === null ? '–' : value.toFixed(column.decimals);
}

function intervalText(interval, column) {
  return interval ? `${interval[0].toFixed(column.decimals)} to ${interval[1].toFixed(column.decimals)}` : '';
}

function plural(count, word) {
  return `${count.toLocaleString('en')} ${word}${count === 1 ? '' : 's'}`;
}

/** Whether `first` comes before `second` in quality; what has no value comes last. */
function byQuality(first, second, better) {
  if (first === null || second === null) return (first === null) - (second === null);
  if (better === 'nearer') return 0;
  return better === 'lower' ? first - second : second - first;
}

/** Whether a row's number is not what the report beside its table gives. */
function isDoubtful(row, index) {
  return row.marks[index] === 'doubtful';
}

/** A function that tells whether a text in lower case has every word of `search`, in any order. */
function wordFilter(search) {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return (text) => words.every((word) => text.includes(word));
}
