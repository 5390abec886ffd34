// A worker: which lines match. The page ends it when it takes too long.

let matches = () => false;

onmessage = ({ data }) => {
  try {
    if ("begin" in data) {
      if (data.isExpression) {
        const expression = new RegExp(data.begin, "iu");
        matches = (line) => expression.test(line);
      } else {
        const text = data.begin.toLowerCase();
        matches = (line) => line.toLowerCase().includes(text);
      }
      postMessage({ hits: [] });
    } else {
      postMessage({ hits: data.lines.filter(([, line]) => matches(line)).map(([number]) => number) });
    }
  } catch (error) {
    postMessage({ fault: `not a regular expression: ${error.message}` });
  }
};
