// Claims that are proven one by one, and counted.

/** { total: { steps, different: [text] }, claim(title, prove) }: whatever `prove` throws is a difference, and the next claim follows. */
export function claims(print) {
  const total = { steps: 0, different: [] };
  const claim = async (title, prove) => {
    total.steps += 1;
    try {
      await prove();
      print(`  holds  ${title}`);
    } catch (error) {
      total.different.push(`  FAILS  ${title}: ${error.message}`);
      print(total.different.at(-1));
    }
  };
  return { total, claim };
}
