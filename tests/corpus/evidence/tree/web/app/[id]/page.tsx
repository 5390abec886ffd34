export default function Page({ params }: { params: { id: string } }) {
  return <main dangerouslySetInnerHTML={{ __html: params.id }} />;
}
