package playground

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/slacktalk/slacktalk/dev/stack"
	// The services that may be called.
	_ "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"
	_ "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

const (
	callWithin = 30 * time.Second
	mostAsked  = 1 << 20
)

// serveGRPC makes a call of the real API: what the page may do is what a client with its token may do.
func (p *Server) serveGRPC(w http.ResponseWriter, r *http.Request) {
	method, request, err := readCall(r)
	if err != nil {
		writeError(w, http.StatusBadRequest, err)
		return
	}
	bearer := r.Header.Get("Authorization")
	if bearer == "" {
		bearer = "Bearer " + stack.AdminToken
	}
	ctx, cancel := context.WithTimeout(metadata.AppendToOutgoingContext(r.Context(), "authorization", bearer), callWithin)
	defer cancel()
	answer, err := p.call(ctx, method, request)
	if err != nil {
		s := status.Convert(err)
		writeJSON(w, statusOf(s.Code()), map[string]string{"code": s.Code().String(), "error": s.Message()})
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = w.Write(answer) // a page that was closed needs no answer
}

func readCall(r *http.Request) (protoreflect.MethodDescriptor, proto.Message, error) {
	name := protoreflect.FullName(r.PathValue("service"))
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(name)
	if err != nil {
		return nil, nil, fmt.Errorf("service %s: %w", name, err)
	}
	service, ok := found.(protoreflect.ServiceDescriptor)
	if !ok {
		return nil, nil, fmt.Errorf("%s is no service", name)
	}
	method := service.Methods().ByName(protoreflect.Name(r.PathValue("method")))
	if method == nil || method.IsStreamingClient() {
		return nil, nil, fmt.Errorf("%s has no method %s", name, r.PathValue("method"))
	}
	request, err := message(method.Input())
	if err != nil {
		return nil, nil, err
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, mostAsked))
	if err != nil {
		return nil, nil, fmt.Errorf("read the request: %w", err)
	}
	if len(body) == 0 {
		body = []byte("{}")
	}
	if err := protojson.Unmarshal(body, request); err != nil {
		return nil, nil, fmt.Errorf("read the request: %w", err)
	}
	return method, request, nil
}

func message(of protoreflect.MessageDescriptor) (proto.Message, error) {
	kind, err := protoregistry.GlobalTypes.FindMessageByName(of.FullName())
	if err != nil {
		return nil, fmt.Errorf("message %s: %w", of.FullName(), err)
	}
	return kind.New().Interface(), nil
}

func (p *Server) call(ctx context.Context, method protoreflect.MethodDescriptor, request proto.Message) ([]byte, error) {
	path := fmt.Sprintf("/%s/%s", method.Parent().FullName(), method.Name())
	if method.IsStreamingServer() {
		return p.stream(ctx, path, method, request)
	}
	answer, err := message(method.Output())
	if err != nil {
		return nil, err
	}
	if err := p.conn.Invoke(ctx, path, request, answer, grpc.WaitForReady(false)); err != nil {
		return nil, err
	}
	return shown(answer)
}

// stream gathers the answers until the server ends them.
func (p *Server) stream(ctx context.Context, path string, method protoreflect.MethodDescriptor, request proto.Message) ([]byte, error) {
	s, err := p.conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, path)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(s.SendMsg(request), s.CloseSend()); err != nil {
		return nil, err
	}
	answers := []json.RawMessage{}
	for {
		answer, err := message(method.Output())
		if err != nil {
			return nil, err
		}
		err = s.RecvMsg(answer)
		if errors.Is(err, io.EOF) {
			return json.Marshal(answers)
		}
		if err != nil {
			return nil, err
		}
		one, err := shown(answer)
		if err != nil {
			return nil, err
		}
		answers = append(answers, one)
	}
}

func shown(m proto.Message) ([]byte, error) {
	return protojson.MarshalOptions{EmitUnpopulated: true, UseProtoNames: true}.Marshal(m)
}

func statusOf(code codes.Code) int {
	switch code {
	case codes.Unavailable, codes.DeadlineExceeded:
		return http.StatusServiceUnavailable
	case codes.NotFound:
		return http.StatusNotFound
	case codes.Unauthenticated:
		return http.StatusUnauthorized
	case codes.PermissionDenied:
		return http.StatusForbidden
	case codes.Internal, codes.Unknown, codes.DataLoss:
		return http.StatusInternalServerError
	case codes.Aborted, codes.AlreadyExists:
		return http.StatusConflict
	default:
		return http.StatusBadRequest
	}
}
